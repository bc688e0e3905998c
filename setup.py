"""Build script; what the package is stands in setup.cfg."""

from setuptools import setup
from setuptools.command.sdist import sdist


class CompleteSdist(sdist):
    """A source distribution with everything that its tests need."""

    def make_distribution(self) -> None:
        """Add the files that are neither code of the package nor found by their names."""
        self.filelist.include("CHANGES.rst")
        for folder in ("docs", "examples", "tests"):
            self.filelist.graft(folder)
        self.filelist.prune("docs/_build")
        self.filelist.prune("tests/official_sdk/node_modules")
        self.filelist.global_exclude("*.py[cod]")
        self.filelist.sort()
        self.filelist.remove_duplicates()
        super().make_distribution()


setup(cmdclass={"sdist": CompleteSdist})
