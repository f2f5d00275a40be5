"""The Latent explorer in JupyterLab: mouse, keyboard, and the same picture as Python's."""

LATENT = "from cvcourse.explorers import Latent\nexplorer = Latent(z=(0, 0))\nexplorer"
CHECK = "print(*explorer.z, bytes(explorer.look['made'])[:6].hex(), flush=True)"
PIXELS = """canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, 2, 1).data)
  .filter((_, k) => k % 4 < 3).map(value => value.toString(16).padStart(2, '0')).join('')"""


def test_the_picture_follows_mouse_and_keys_and_is_pythons(open_notebook):
    notebook = open_notebook(LATENT, CHECK, width=1500, height=1000)
    explorer = notebook.explorer()
    board, words = explorer.locator(".cv-board"), explorer.locator(".cv-describe")
    made = explorer.get_by_role("img", name="The picture at z")
    formula = explorer.locator(".cv-formula")
    size = explorer.bounding_box()
    first = made.evaluate("canvas => canvas.toDataURL()")
    board.focus()
    board.press("ArrowRight")
    board.press("Shift+ArrowUp")
    words.filter(has_text="z = (0.10, 0.50)").wait_for()
    assert "z = (0.10, 0.50)" in formula.inner_text()
    explorer.locator("canvas[data-exact=true]").wait_for()
    assert made.evaluate("canvas => canvas.toDataURL()") != first
    notebook.page.locator(".jp-CodeCell").nth(1).locator(".jp-InputArea-editor").click()
    notebook.page.keyboard.press("Control+Enter")
    output = notebook.page.locator('[data-mime-type="application/vnd.jupyter.stdout"]')
    output.filter(has_text="0.1 0.5").wait_for()
    assert output.last.inner_text().split() == ["0.1", "0.5", made.evaluate(PIXELS)]

    box, mouse = board.bounding_box(), notebook.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + 2 * box["width"], box["y"] + box["height"] / 2, steps=6)  # out of the plane
    mouse.up()
    words.filter(has_text="0.00)").wait_for()
    assert "0 %" in formula.inner_text()
    board.press("Home")
    words.filter(has_text="z = (0.00, 0.00)").wait_for()
    explorer.get_by_role("button", name="Throw the dice").click()
    words.filter(has_not_text="z = (0.00, 0.00)").wait_for()
    explorer.get_by_role("checkbox").check()
    play = explorer.get_by_role("button", name="Walk")
    play.click()
    explorer.get_by_role("button", name="Stop").click()
    explorer.get_by_role("button", name="Middle").click()
    words.filter(has_text="z = (0.00, 0.00)").wait_for()
    assert explorer.bounding_box()["height"] == size["height"] <= 560
    assert size["width"] <= 1000
