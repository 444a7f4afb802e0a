"""``python -m napari_gan_enhance``: the command line."""

from napari_gan_enhance.cli import main

if __name__ == "__main__":
    main()
