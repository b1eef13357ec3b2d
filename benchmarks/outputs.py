"""Where a benchmark writes to: the folder is made before the work, so that hours are not lost for the want of it."""

import argparse
from pathlib import Path


def file_to_write(name: str) -> Path:
    """The type of an option for a file; its folder is made at once."""
    return Path(folder_to_write(str(Path(name).parent)), Path(name).name)


def folder_to_write(name: str) -> Path:
    """The type of an option for a folder, which is made at once."""
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f'"{name}" can\'t be made ({error.strerror}); give another folder') from error
    return Path(name)
