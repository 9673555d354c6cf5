import re
from pathlib import Path

import pytest

from rackwatt_crds.loading import load
from rackwatt_exporter.commands import run
from rackwatt_exporter.config.fleet import resolve_fleet
from rackwatt_exporter.reading import Reason
from scripts.docs import PAGES
from scripts.pictures.camera import MAX_BYTES
from tests.e2e import doc_commands as manual

ROOT = Path(__file__).parents[1]
PROSE = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```yaml\n(apiVersion: rackwatt.dev.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_says_what_the_code_says(name: str) -> None:
    assert (ROOT / name).read_text() == PAGES[name](), "run make docs"


def test_the_examples_have_no_problem_and_stand_side_by_side() -> None:
    paths = sorted(ROOT.glob("docs/examples/*.yaml"))
    loaded = [one for path in paths for one in load(path.read_bytes(), path.name)]
    assert {one.origin for one in loaded} == {path.name for path in paths}
    built = resolve_fleet(loaded)
    assert built.problems == ()
    assert built.targets


def test_the_transcript_is_of_the_examples_that_there_are() -> None:
    answers = {one.command: one.answer for one in manual.transcript("install.md")}
    applied = answers["kubectl apply --filename docs/examples/"].split(" created\n")
    paths = sorted(ROOT.glob("docs/examples/*.yaml"))
    loaded = [one for path in paths for one in load(path.read_bytes(), path.name)]
    assert applied[:-1] == [f"{one.kind.lower()}.rackwatt.dev/{one.name}" for one in loaded]
    assert all(f"{name} " in answers["kubectl get pt,sb"] for name in applied[:-1])


def test_both_transcripts_install_the_chart_by_the_same_command() -> None:
    first, *_ = manual.transcript("install.md")
    assert first.command.startswith("helm install rackwatt charts/rackwatt ")
    assert manual.transcript("quick-start.md")[0] == first


def test_the_quick_start_quotes_the_resource_that_it_applies() -> None:
    page = (ROOT / "docs/quick-start.md").read_text()
    resource = (ROOT / "docs/examples/quick-start/fleet.yaml").read_text()
    assert f"```yaml\n{resource}```" in page
    assert resolve_fleet(load(resource.encode(), "fleet.yaml")).problems == ()


def test_a_transcript_agrees_with_the_same_output_at_another_time() -> None:
    exchange = manual.Exchange("helm list", "NAME   AGE\na      33s\n…\nend\n")
    assert exchange.agrees("NAME AGE\na    2m5s\nmore\nend")
    assert not exchange.agrees("NAME AGE\nb    33s\nend")
    assert not exchange.agrees("NAME AGE\na    33s\n")


def test_a_transcript_agrees_with_other_watts_but_not_with_none() -> None:
    page = 'fleet 3 3 0 963 True Ready 40s\nx{node="a"} 321.0\n{node="a"} => 321 @[1.5]\n'
    exchange = manual.Exchange("kubectl get pt", page)
    assert exchange.agrees(page.replace("963", "1012").replace("321", "400").replace("1.5", "2"))
    assert not exchange.agrees(page.replace("963", "0"))
    assert not exchange.agrees(page.replace(" 963", ""))
    assert not exchange.agrees(page.replace("321.0", "0.0"))
    assert not exchange.agrees(page.replace("=> 321", "=> 0"))


def test_documents_quoted_in_prose_have_no_problem() -> None:
    blocks = [(path.name, block) for path in PROSE for block in BLOCK.findall(path.read_text())]
    assert blocks
    for name, block in blocks:
        assert resolve_fleet(load(block.encode(), name)).problems == ()


def test_every_reason_is_explained_and_none_that_does_not_exist() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    assert re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE) == [
        reason.value for reason in Reason
    ]


def test_links_between_pages_lead_to_a_page_and_to_a_heading_of_it() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in PROSE
        for link in LINK.findall(re.sub(r"`[^`\n]*`", "", without_fences(path.read_text())))
        if not link.startswith("http") and not leads_somewhere(path, link)
    ]
    assert broken == []


def leads_somewhere(page: Path, link: str) -> bool:
    file, _, heading = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not heading or heading in anchors(target.read_text()))


def anchors(text: str) -> set[str]:
    """List the anchors of a page as GitHub makes them of headings."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", without_fences(text), re.MULTILINE):
        words = re.sub(r"\]\([^)]*\)", "]", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.append(slug if (again := found.count(slug)) == 0 else f"{slug}-{again}")
    return {*found, *re.findall(r'<a (?:id|name)="([^"]+)"', text)}


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def test_anchors_are_those_of_headings_and_not_of_comments_in_code() -> None:
    text = "# A `b.c[]`, *d*\n## Same\n## Same\n```\n# no\n```\n### [Link](x.md#y) and 1/2\n"
    assert anchors(text) == {"a-bc-d", "same", "same-1", "link-and-12"}


def test_every_picture_is_on_a_page_and_small() -> None:
    shown = {
        (path.parent / picture).resolve()
        for path in PROSE
        for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", path.read_text())
    }
    pictures = set(ROOT.glob("docs/**/*.png"))
    assert shown == pictures
    assert [path.name for path in pictures if path.stat().st_size > MAX_BYTES] == []


def test_pages_named_in_code_are_there() -> None:
    roots = ("crds", "exporter", "operator", "scripts", "charts")
    files = [path for root in roots for path in (ROOT / root).rglob("*.py")]
    for path in files:
        text = path.read_text()
        for named in re.findall(r"(?<!/)docs/(?:decisions/[\w.-]+|[\w-]+\.md)", text):
            assert (ROOT / named.rstrip(".")).exists(), f"{path.relative_to(ROOT)}: {named}"
        for named, anchor in re.findall(r"(?<!/)(docs/[\w/-]+\.md)#([\w-]+)", text):
            assert anchor in anchors((ROOT / named).read_text()), (
                f"{path.relative_to(ROOT)}: {named}#{anchor}"
            )


def test_every_page_is_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page.is_dir() and (page / "README.md").exists():
            page /= "README.md"
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#]+)", page.read_text())
        ahead += [(page.parent / link).resolve() for link in links if not link.startswith("http")]
    assert set(PROSE) - reached == {ROOT / "docs/documents.intro.md"}


def test_every_module_that_the_glossary_names_exists() -> None:
    page = (ROOT / "docs/glossary.md").read_text()
    cells = re.findall(r"\| ([^|]*) \|$", page, re.MULTILINE)
    modules = {module for cell in cells for module in re.findall(r"`([\w.]+)`", cell)}
    assert len(modules) > 20
    assert sorted(module for module in modules if not is_module(module)) == []


def is_module(name: str) -> bool:
    packages = ("crds/rackwatt_crds", "exporter/rackwatt_exporter", "operator/rackwatt_operator")
    path = name.replace(".", "/")
    whole = [ROOT / root / path for root in ("crds", "exporter", "operator")]
    within = [ROOT / package / path for package in packages]
    return any(one.is_dir() or one.with_suffix(".py").exists() for one in (*whole, *within))


@pytest.mark.parametrize(
    "package", ["crds/rackwatt_crds", "exporter/rackwatt_exporter", "operator/rackwatt_operator"]
)
def test_every_room_is_on_the_map(package: str) -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    rooms = {path.stem for path in (ROOT / package).iterdir() if not path.name.startswith("_")}
    assert sorted(room for room in rooms if not re.search(rf"`{room}(\.py|/)?`", page)) == []


def test_every_flag_of_run_is_in_the_installation_page() -> None:
    page = (ROOT / "docs/install.md").read_text()
    flags = re.findall(r'"--([a-z]+\.[a-z.-]+)"', Path(run.__file__).read_text())
    assert flags
    for flag in [
        *flags,
        "secrets.directory",
        "shard",
        "node.name",
        "path.sysfs",
        "path.procfs",
        "path.devfs",
        "path.cgroupfs",
        "log.level",
        "log.format",
    ]:
        assert f"--{flag}" in page or f"--[no-]{flag}" in page
