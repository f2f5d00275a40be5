"""Count all networks of `keras.applications` again: the table in `cvcourse.league`."""

from cvcourse.league import LEAGUE, count


def main():
    """Count all networks again (about 20 seconds) and print the table as Python."""
    for name, (top1, size, *_) in LEAGUE.items():
        params, macs = count(name)
        print(f'    "{name}": ({top1}, {size}, {params:_}, {macs:_}),', flush=True)
