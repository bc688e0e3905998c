"""Build script; what the package is stands in setup.cfg."""

from setuptools import setup
from setuptools.command.sdist import sdist


class CompleteSdist(sdist):
    """A source distribution with everything that its tests need."""

    def add_defaults(self) -> None:
        """Add the files that are neither code of the package nor found by their names."""
        super().add_defaults()
        self.filelist.include("CHANGES.rst")
        self.filelist.graft("docs")
        self.filelist.graft("examples")
        self.filelist.graft("tests")
        self.filelist.prune("tests/official_sdk/node_modules")
        self.filelist.global_exclude("*.py[cod]")


setup(cmdclass={"sdist": CompleteSdist})
