"""The convolution explorer in JupyterLab: mouse, keyboard, and the same numbers as Python's."""


import pytest
from lab import press, shown

CELL = "from cvcourse.explorers import Convolution\nexplorer = Convolution()\nexplorer"


def sliders(explorer):
    """Return the sliders K, F, S, P."""
    return [explorer.get_by_role("slider").nth(index) for index in range(4)]


def test_keyboard_moves_window_and_every_slider(open_notebook):
    explorer = open_notebook(CELL).explorer()
    first = shown(explorer)
    board = explorer.locator(".cv-board").first
    press(board, "ArrowRight", 3)
    press(board, "ArrowDown", 2)
    assert shown(explorer) != first
    explorer.locator(".cv-describe", has_text="Output pixel [10, 10]").wait_for()
    for slider, key, words in zip(
        sliders(explorer),
        ("ArrowRight", "End", "ArrowRight", "End"),
        ("26 × 26 × 2", "22 × 22 × 2", "11 × 11 × 2", "14 × 14 × 2"),
        strict=True,
    ):
        press(slider, key)
        explorer.locator(".cv-describe", has_text=f"output {words}").wait_for()
        explorer.locator("figcaption", has_text=f"Output {words}").wait_for()
        shown(explorer)
    press(board, "End")
    explorer.locator(".cv-describe", has_text="Output pixel [13, 13]").wait_for()


def test_mouse_drags_the_window_and_chooses_pixel_kernel_and_filter(open_notebook):
    notebook = open_notebook(CELL)
    explorer, mouse = notebook.explorer(), notebook.page.mouse
    box = explorer.locator(".cv-board").first.bounding_box()
    cell = box["width"] / (28 + 6)  # the image and room for the largest padding
    middle = [box["x"] + 17.5 * cell, box["y"] + 17.5 * cell]  # on pixel [14, 14]
    mouse.move(*middle)
    mouse.down()
    explorer.locator(".cv-describe", has_text="Output pixel [13, 13]").wait_for()
    mouse.move(middle[0] + 6 * cell, middle[1])
    mouse.up()
    explorer.locator(".cv-describe", has_text="Output pixel [13, 19]").wait_for()
    mouse.move(*middle)  # the button is up: nothing moves
    shown(explorer)
    explorer.locator(".cv-describe", has_text="Output pixel [13, 19]").wait_for()
    explorer.locator(".cv-board").nth(1).click(position={"x": 17.5 * cell, "y": 17.5 * cell})
    explorer.locator(".cv-describe", has_text="Output pixel [13, 13]").wait_for()
    explorer.locator("select").select_option("sharpen")
    explorer.locator(".cv-describe", has_text="(sharpen)").wait_for()
    press(sliders(explorer)[0], "End")
    explorer.locator(".cv-thumb").nth(3).click()
    explorer.locator(".cv-describe", has_text="filter 4").wait_for()
    shown(explorer)


@pytest.mark.parametrize("padding", [0, 2])
def test_numbers_are_those_of_python(open_notebook, padding):
    sum_of = "print(*explorer.output()[3:6, 2, 0], flush=True)"
    setup = f"explorer = Convolution(kernel='random (He)', kernel_size=4, strides=2, padding={padding})"
    notebook = open_notebook(f"from cvcourse.explorers import Convolution\n{setup}\n{sum_of}\nexplorer")
    explorer = notebook.explorer()
    printed = notebook.page.locator('[data-mime-type="application/vnd.jupyter.stdout"]').first.inner_text()
    board = explorer.locator(".cv-board").nth(1)
    press(board, "Home")
    press(board, "ArrowRight", 2)
    press(board, "ArrowDown", 2)
    for expected in printed.split():
        press(board, "ArrowDown")
        text, total = shown(explorer)
        assert total == pytest.approx(float(expected), abs=1e-12)
        assert float(text.replace("−", "-")) == pytest.approx(total, abs=0.00501)


def test_weights_can_be_typed(open_notebook):
    explorer = open_notebook(CELL).explorer()
    weight = explorer.locator(".cv-products input").first
    weight.fill("1/4")
    weight.press("Enter")
    explorer.locator(".cv-describe", has_text="(own)").wait_for()
    shown(explorer)
    weight.fill("many")
    weight.press("Enter")
    assert "“many” is not a number" in explorer.locator(".cv-error").inner_text()
    assert weight.get_attribute("aria-invalid") == "true"
    weight.fill("−2")
    weight.press("Enter")
    assert explorer.locator(".cv-error").count() == 0
    press(weight, "ArrowUp")
    assert weight.input_value() == "−1"


def test_illegal_settings_are_explained(open_notebook):
    explorer = open_notebook(CELL).explorer()
    press(sliders(explorer)[2], "Home")
    assert "/ 0⌋ + 1 = ?" in explorer.locator(".cv-error").inner_text()
    explorer.locator(".cv-describe", has_text="strides must be a whole number of at least 1").wait_for()
    press(sliders(explorer)[2], "ArrowRight")
    assert explorer.locator(".cv-error").count() == 0
    shown(explorer)


def test_play_slides_the_window(open_notebook):
    explorer = open_notebook(CELL).explorer()
    press(explorer.locator(".cv-board").first, "Home")
    explorer.get_by_role("button", name="Play").click()
    explorer.locator(".cv-describe", has_text="Output pixel [1, ").wait_for()
    explorer.get_by_role("button", name="Pause").click()
    shown(explorer)


def test_python_moves_the_page(open_notebook):
    move = "explorer.kernel_size = 5; explorer.position = [1, 2]; explorer.kernels = ['blur', 'emboss']"
    explorer = open_notebook(CELL, move).explorer()
    explorer.locator(".cv-describe", has_text="Output pixel [1, 2]").wait_for()
    explorer.locator("figcaption", has_text="Output 24 × 24 × 2").wait_for()
    assert explorer.locator(".cv-products input").count() == 25
    shown(explorer)


def test_it_fits_and_nothing_jumps(open_notebook):
    explorer = open_notebook(CELL, width=1500, height=900).explorer()
    places = []
    for slider, key in zip([None, *sliders(explorer)], (None, "End", "End", "End", "End"), strict=True):
        if slider:
            press(slider, key)
        shown(explorer)
        parts = (".cv-trio", ".cv-formula", ".cv-play")
        places.append([explorer.locator(part).bounding_box() for part in parts])
        box = explorer.bounding_box()
        assert box["width"] <= 1000
        assert box["height"] <= 560
    assert all(place == places[0] for place in places)
