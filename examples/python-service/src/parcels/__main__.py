"""`parcels PORT`: serves until it is ended."""

import sys

from parcels.service import server


def main() -> None:
    server(int(sys.argv[1])).serve_forever()


if __name__ == "__main__":
    main()
