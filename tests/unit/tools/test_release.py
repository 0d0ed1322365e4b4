"""What the files of a release say; tests/scenarios/test_release.py installs and runs them."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from mooring import __version__
from release import __main__ as release
from release import chart, deb, image, project, sbom

LOCK = """
click==8.5.1 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
    # via mooring (pyproject.toml)
Foo_bar==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:{b}
""".format(a="a" * 64, b="b" * 64)


def test_the_version_is_the_program_s() -> None:
    """Each file bears what `mooring --version` prints."""
    assert project.version() == __version__


def test_each_locked_package_is_in_the_bill() -> None:
    """With its version, its name as the index spells it, and the hashes that pip accepts; markers change nothing."""
    [click, other] = sbom.locked(LOCK)
    assert (click.purl, click.hashes) == ("pkg:pypi/click@8.5.1", ("a" * 64, "b" * 64))
    assert (other.purl, other.hashes) == ("pkg:pypi/foo-bar@1.0", ("b" * 64,))


def test_the_bill_of_this_checkout() -> None:
    """CycloneDX: all packages of the lock; Mooring's own needs first; each reference leads to a component."""
    text = sbom.LOCK.read_text()
    made = sbom.document(sbom.locked(text), "1.2", 0)
    refs = {one["bom-ref"] for one in made["components"]} | {"pkg:pypi/mooring@1.2"}
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    assert made["metadata"]["timestamp"] == "1970-01-01T00:00:00Z"
    assert len(made["components"]) == sum("==" in line and line[:1].isalnum() for line in text.splitlines())
    assert {ref for one in made["dependencies"] for ref in (one["ref"], *one["dependsOn"])} <= refs
    [own] = [one["dependsOn"] for one in made["dependencies"] if one["ref"] == "pkg:pypi/mooring@1.2"]
    assert any(ref.startswith("pkg:pypi/pymysql@") for ref in own)
    assert made == sbom.document(sbom.locked(text), "1.2", 0)


def test_the_same_chart_makes_the_same_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, with all files of the chart and Chart.yaml first, in a folder that bears the chart's name."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    made = chart.packed(chart.CHART)
    assert made == chart.packed(chart.CHART)
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        names = tar.getnames()
    assert names[0] == "mooring/Chart.yaml"
    assert {name.partition("/")[2] for name in names} == {
        path.relative_to(chart.CHART).as_posix() for path in chart.CHART.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("debian", deb.DEBIANS, ids=lambda debian: f"debian{debian.number}")
def test_a_deb_asks_for_its_debian_s_python(debian: deb.Debian) -> None:
    """For that minor version and no other: what is compiled in it runs on no other."""
    fields = dict(line.split(": ", 1) for line in deb.control(debian, "amd64", 7).splitlines() if line[0].isalpha())
    assert f"python3 (>= 3.{debian.minor}), python3 (<< 3.{debian.minor + 1})" in fields["Depends"]
    assert fields["Version"] == f"{__version__}-1~deb{debian.number}"
    assert fields["Installed-Size"] == "7"


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_the_scripts_of_a_deb_are_shell(script: str) -> None:
    """Each parses."""
    subprocess.run(["sh", "-n", deb.CONTROL / script], check=True, timeout=60)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--platform", "linux/arm64"], "arm64"),
        (["--pull", "--platform=linux/amd64"], "amd64"),
        (["--platform", "linux/arm64/v8"], "arm64"),
        (["--platform=arm64"], "arm64"),
    ],
)
def test_the_image_archive_names_its_platform(options: list[str], expected: str) -> None:
    """What was asked for, however it is written."""
    assert image.architecture(options) == expected


def test_sums_are_those_that_sha256sum_checks(tmp_path: Path) -> None:
    """Of each file beside them, and not of themselves."""
    (tmp_path / "b").write_bytes(b"")
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / release.SUMS).write_text("old")
    (tmp_path / release.SUMS).write_text(release.sums(tmp_path))
    done = subprocess.run(
        ["sha256sum", "--check", release.SUMS], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "a: OK\nb: OK\n"


def test_a_part_that_does_not_exist_is_named() -> None:
    """Before anything is made."""
    assert "rpm" in (release.main(["rpm"]) or "")
