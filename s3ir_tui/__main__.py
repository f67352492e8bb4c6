"""`python -m s3ir_tui` is the same as the console script `s3ir-tui`."""

from s3ir_tui.cli import main

if __name__ == "__main__":
    main()
