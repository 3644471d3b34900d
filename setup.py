"""Builds the distribution (Beam workers take it as --setup_file, Flink as -pyfs); metadata lives in pyproject.toml."""

from setuptools import setup

setup()
