"""Make sure that the system libraries napari needs are there.

On a Debian or Ubuntu machine without a desktop the missing packages are installed if
we may (root), else the one line to run is printed and the exit code is 1. When nothing
is missing, and on macOS and Windows, nothing happens.

    python .ci/prepare_display.py                 # for tests: a virtual screen as well
    python .ci/prepare_display.py --own-display   # only if there is a display to use
"""

import ctypes
import os
import shutil
import subprocess
import sys

QT_LIBRARIES = {
    "libgl1": "libGL.so.1",
    "libegl1": "libEGL.so.1",
    "libglib2.0-0": "libgthread-2.0.so.0",
    "libfontconfig1": "libfontconfig.so.1",
    "libdbus-1-3": "libdbus-1.so.3",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-image0": "libxcb-image.so.0",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-randr0": "libxcb-randr.so.0",
    "libxcb-render-util0": "libxcb-render-util.so.0",
    "libxcb-shape0": "libxcb-shape.so.0",
    "libxcb-xinerama0": "libxcb-xinerama.so.0",
}
"""What Qt's xcb plugin is linked to: Debian package and the library inside it."""

# libGLX_mesa is in a package that needs libgl1-mesa-dri, the software renderer.
MESA = {"libgl1-mesa-dri": "libGLX_mesa.so.0"}


def is_loadable(library: str) -> bool:
    """Return whether the dynamic linker finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_packages(*, virtual_screen: bool) -> list[str]:
    """Return the Debian packages whose content is not on this machine."""
    libraries = QT_LIBRARIES | (MESA if virtual_screen else {})
    missing = [p for p, library in libraries.items() if not is_loadable(library)]
    if virtual_screen and shutil.which("Xvfb") is None:
        missing.append("xvfb")
    return missing


def install(packages: list[str]) -> bool:
    """Install packages with apt-get if we may; return whether that was done."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    print("Installing for napari:", *packages, flush=True)
    for step in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            [apt, "-qq", *step], env=environment, stdin=subprocess.DEVNULL, check=False
        )
        # A failed update may still leave usable lists, so only the install decides.
        if step[0] == "install" and done.returncode != 0:
            return False
    return True


def main() -> int:
    """Return the exit code: 0 when all is there."""
    own_display = "--own-display" in sys.argv[1:]
    if sys.platform != "linux":
        return 0
    if own_display and not ({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()):
        return 0
    missing = missing_packages(virtual_screen=not own_display)
    if not missing or install(missing):
        return 0
    print(
        "System libraries that napari needs are missing. Run this line, then try again "
        "(package names of Debian and Ubuntu):\n"
        f"    sudo apt-get install -y {' '.join(missing)}",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
