"""Count all networks of `keras.applications` again: the table `cvcourse/league.json`."""

from cvcourse.league import LEAGUE, count


def main():
    """Count all networks again (about 20 seconds) and print the rows of the table."""
    for name, (top1, size, *_) in LEAGUE.items():
        params, macs = count(name)
        print(f' "{name}": [{top1}, {size}, {params}, {macs}],', flush=True)
