"""twistd that logs each module that its main thread, the reactor's, looks for: ``importing NAME``."""

from __future__ import annotations

import os
import sys
import threading

from twisted.scripts.twistd import run


class Searches:
    """The first of the finders of modules: it finds none, and logs which are looked for."""

    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is threading.main_thread():
            os.write(2, f"importing {name}\n".encode())  # at once, while the log may wait for its thread


if __name__ == "__main__":
    sys.meta_path.insert(0, Searches())
    run()
