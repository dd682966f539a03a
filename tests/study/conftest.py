"""A small study: six clips of synthetic faces, four a person, made once and copied for each test."""

import shutil
from pathlib import Path

import pytest
from small_study import SETTINGS, StandingGenerator, corpus_clips
from synthetic_corpus import write_corpus

from orate.study.make import make_study


@pytest.fixture(scope="session")
def shards(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus") / "shards", corpus_clips())


@pytest.fixture(scope="session")
def made_study(shards, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "study"
    make_study(StandingGenerator(), "standing", [shards], folder, SETTINGS)
    return folder


@pytest.fixture
def folder(made_study, tmp_path) -> Path:
    """A study of the test's own, that nobody has taken part in."""
    return Path(shutil.copytree(made_study, tmp_path / "study"))
