"""Three real Orthanc servers, found by probing, on the page; one is killed, and the page says so."""
import json
import pathlib
import shutil
import socket
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/integration"), str(ROOT / "tests/e2e")]

from client import eventually  # noqa: E402
from daemon import Daemon  # noqa: E402
from test_page import BROWSER, browse, picture, text_of  # noqa: E402

ORTHANC = shutil.which("Orthanc", path="/usr/sbin:/usr/bin")
COUNT = 3
START_S = 20

pytestmark = pytest.mark.skipif(ORTHANC is None or BROWSER is None, reason="orthanc or chromium isn't installed")


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def orthancs(tmp_path):
    """By web port: the process and its DICOM port."""
    ports = free_ports(2 * COUNT)
    running = {}
    for number, (web, dicom) in enumerate(zip(ports[:COUNT], ports[COUNT:])):
        folder = tmp_path / f"orthanc{number}"
        folder.mkdir()
        (folder / "orthanc.json").write_text(json.dumps({
            "Name": f"Archive {number}", "StorageDirectory": str(folder), "IndexDirectory": str(folder), "Plugins": [],
            "HttpPort": web, "DicomPort": dicom, "DicomAet": f"ARCHIVE{number}", "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False, "DicomAlwaysAllowEcho": True}))
        with (folder / "log").open("wb") as log:
            running[web] = (subprocess.Popen([ORTHANC, folder / "orthanc.json"], stdout=log, stderr=log), dicom)
    yield running
    for process, _ in running.values():
        process.kill()
        process.wait()


def test_three_servers_are_found_and_one_that_is_killed_shows(orthancs, tmp_path):
    webs, dicoms = list(orthancs), [dicom for _, dicom in orthancs.values()]
    daemon = Daemon(tmp_path / "rollcall", environment={
        "ROLLCALL_PROBE_ENABLED": "true",
        "ROLLCALL_PROBE_WEB_PORTS": ",".join(map(str, webs)),
        "ROLLCALL_PROBE_DICOM_PORTS": ",".join(map(str, dicoms))})
    try:
        with daemon.client() as client:
            def online():
                servers = client.get("/servers.json").json.values()
                return {server["web_port"]: server for server in servers if server["status"] == "online"}

            eventually(lambda: len(online()) == COUNT and all("counts" in server for server in online().values()),
                       within_s=START_S)
            for number, (web, (_, dicom)) in enumerate(orthancs.items()):
                server = online()[web]
                assert (server["name"], server["aet"]) == (f"Archive {number}", f"ARCHIVE{number}")
                assert server["dicom_port"] == dicom
                assert server["counts"]["studies"] == 0

            html = browse(tmp_path, daemon.address, "--dump-dom")
            assert [text_of(html, tile) for tile in ("total", "online", "offline")] == ["3", "3", "0"]
            assert all(f">Archive {number}<" in html for number in range(COUNT))

            orthancs[webs[0]][0].kill()
            eventually(lambda: webs[0] not in online(), within_s=5)
            html = browse(tmp_path, daemon.address, "--dump-dom")
            assert [text_of(html, tile) for tile in ("total", "online", "offline")] == ["3", "2", "1"]
            assert "refused" in html
            picture(tmp_path, daemon.address, "servers")
    finally:
        daemon.kill()
