"""Preloaded libraries, built with the C compiler, which play tricks on the server's machine."""

import pathlib
import shutil
import subprocess

FOLDER = pathlib.Path(__file__).parents[1] / "powercut"


def build(name, target_folder):
    """Builds a library and answers its path."""
    target = pathlib.Path(target_folder) / f"{name}.so"
    if not target.exists():
        command = ["cc", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC", "-pthread"]
        subprocess.run([*command, "-o", target, FOLDER / f"{name}.c", "-ldl"], check=True)
    return target


class Disk:
    """A folder whose unsynced bytes are lost when the power is cut."""

    def __init__(self, library, folder):
        self.library = library
        self.folder = pathlib.Path(folder)
        self.shadow = self.folder.with_name(self.folder.name + ".shadow")

    def plug_in(self, *, lie=False):
        """What is in the folder now is synced; answers the environment of the program."""
        shutil.rmtree(self.shadow, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        shutil.copytree(self.folder, self.shadow, ignore=shutil.ignore_patterns("*-shm"))
        environment = {
            "LD_PRELOAD": str(self.library),
            "POWERCUT_DIR": str(self.folder),
            "POWERCUT_SHADOW": str(self.shadow),
        }
        return {**environment, "POWERCUT_LIE": "1"} if lie else environment

    def cut(self):
        """The power was cut: what was not synced is gone. The program must be dead."""
        shutil.rmtree(self.folder)
        self.shadow.rename(self.folder)
