"""Symbolic names into numbers, beside what net-snmp's snmptranslate makes of them."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rackwatt_exporter.protocols.snmp.mib import MibResolver
from rackwatt_exporter.reading import ReadError, Reason

# The root of the tree, which Debian leaves to a package that is not free: facts of RFC 2578.
SMI = """SNMPv2-SMI DEFINITIONS ::= BEGIN
org OBJECT IDENTIFIER ::= { iso 3 }
dod OBJECT IDENTIFIER ::= { org 6 }
internet OBJECT IDENTIFIER ::= { dod 1 }
private OBJECT IDENTIFIER ::= { internet 4 }
enterprises OBJECT IDENTIFIER ::= { private 1 }
END
"""
VENDOR = """
-- A file whose name is not its module's, as vendors like it.
ACME-PDU-MIB DEFINITIONS ::= BEGIN
IMPORTS
  OBJECT-TYPE, Integer32 FROM SNMPv2-SMI
  Watts FROM ACME-TEXTS-MIB   -- not to be had, and not needed
  acme FROM ACME-ROOT-MIB;
pdu OBJECT IDENTIFIER ::= { acme 7 }
pduTable OBJECT-TYPE
  SYNTAX SEQUENCE OF PduEntry
  MAX-ACCESS not-accessible
  STATUS current
  DESCRIPTION "All of them; ::= { not here 1 }"
  ::= { pdu 1 }
pduEntry OBJECT-TYPE
  SYNTAX PduEntry
  MAX-ACCESS not-accessible
  STATUS current
  DESCRIPTION "One."
  INDEX { pduIndex }
  ::= { pduTable 1 }
PduEntry ::= SEQUENCE { pduIndex Integer32, pdu-Power Integer32 }
pduIndex OBJECT-TYPE
  SYNTAX Integer32
  MAX-ACCESS not-accessible
  STATUS current
  DESCRIPTION "Which."
  ::= { pduEntry 1 }
pdu-Power OBJECT-TYPE
  SYNTAX Integer32
  UNITS "W"
  MAX-ACCESS read-only
  STATUS current
  DESCRIPTION "Watts."
  ::= { pduEntry 2 }
END
"""
ROOT = """ACME-ROOT-MIB DEFINITIONS ::= BEGIN
IMPORTS enterprises FROM SNMPv2-SMI;
acme OBJECT IDENTIFIER ::= { enterprises 99999 }
END
"""


@pytest.fixture
def mibs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "mibs"
    directory.mkdir()
    monkeypatch.setenv("MIBDIRS", str(directory))
    return directory


def translated(name: str, directory: Path) -> str:
    command = ["snmptranslate", "-On", "-M", str(directory), "-m", "ALL", name]
    environment = {"PATH": os.environ["PATH"], "SNMPCONFPATH": "/nonexistent"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip().lstrip(".")


async def problem_of(name: str) -> str:
    with pytest.raises(ReadError) as caught:
        await MibResolver().resolve([name])
    assert caught.value.reason is Reason.NO_POWER_SENSOR
    return str(caught.value)


async def test_names_of_the_standard_modules_need_no_file(mibs: Path) -> None:
    (mibs / "SNMPv2-SMI.txt").write_text(SMI)
    name = "SNMPv2-SMI::enterprises.318.1.1.26.4.3.1.5.2"
    found = await MibResolver().resolve([name, "SNMPv2-MIB::sysUpTime.0", "SNMPv2-SMI::mib-2.1"])
    assert found == {
        name: translated(name, mibs),
        "SNMPv2-MIB::sysUpTime.0": "1.3.6.1.2.1.1.3.0",
        "SNMPv2-SMI::mib-2.1": "1.3.6.1.2.1.1",
    }


async def test_names_of_a_vendors_mib_are_read_from_its_file(mibs: Path) -> None:
    (mibs / "acme_v2_final.mib").write_text(VENDOR)
    (mibs / "root").write_text(ROOT)
    name = "ACME-PDU-MIB::pdu-Power.3"
    found = await MibResolver().resolve([name])
    (mibs / "SNMPv2-SMI.txt").write_text(SMI)
    assert found == {name: translated(name, mibs)}


async def test_a_missing_mib_is_named_with_the_place_for_it(mibs: Path) -> None:
    (mibs / "acme.mib").write_text(VENDOR)
    message = await problem_of("ACME-PDU-MIB::pdu.1")
    assert "there is no MIB ACME-ROOT-MIB" in message
    assert str(mibs) in message


async def test_an_object_that_the_mib_does_not_have_is_named(mibs: Path) -> None:
    (mibs / "acme.mib").write_text(VENDOR)
    assert "no object pduWatts" in await problem_of("ACME-PDU-MIB::pduWatts.1")
    assert "no such object" in await problem_of("SNMPv2-MIB::sysWatts.0")


@pytest.mark.parametrize(
    "text",
    [
        "ACME-PDU-MIB DEFINITIONS ::= BEGIN ::= { END",
        "ACME-PDU-MIB DEFINITIONS ::= BEGIN pdu OBJECT IDENTIFIER ::= { elsewhere 1 } END",
        VENDOR[:500],
    ],
)
async def test_a_file_that_is_no_mib_is_named(mibs: Path, text: str) -> None:
    (mibs / "acme.mib").write_text(text)
    assert "acme.mib" in await problem_of("ACME-PDU-MIB::pdu.1")


async def test_many_who_ask_at_once_start_one_child(
    mibs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho one >> {started}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    known = MibResolver()
    names = ["SNMPv2-SMI::enterprises.1", "SNMPv2-SMI::mib-2.1"]
    await asyncio.gather(*(known.resolve(names) for _ in range(20)))
    await known.resolve(names[:1])
    assert started.read_text().splitlines() == ["one"]


async def test_who_is_cancelled_leaves_the_search_to_the_next(mibs: Path) -> None:
    known = MibResolver()
    name = "SNMPv2-SMI::enterprises.1"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await known.resolve([name])
    assert await known.resolve([name]) == {name: "1.3.6.1.4.1.1"}


async def test_closing_ends_a_search_that_is_under_way(mibs: Path) -> None:
    known = MibResolver()
    asking = asyncio.create_task(known.resolve(["SNMPv2-SMI::enterprises.1"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await known.close()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_the_exporter_never_loads_the_libraries_that_know_mibs() -> None:
    program = "import sys; import rackwatt_exporter.targets.snmp.source; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "rackwatt_exporter.protocols.snmp.session" in loaded
    assert not {"pysnmp", "pysmi", "pyasn1"} & loaded
