"""The page in a real browser, on a real daemon. The pictures that it takes lie in build/e2e/."""
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from daemon import Daemon  # noqa: E402

PICTURES = ROOT / "build/e2e"
BROWSER = next((path for path in map(shutil.which, ("chromium", "chromium-browser")) if path), None)
# Without a sandbox, as in a container, and without a word to anybody but the daemon.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PAGE_MS = 5000
BROWSER_S = 60

pytestmark = pytest.mark.skipif(BROWSER is None, reason="chromium isn't installed")


@pytest.fixture
def daemon(tmp_path):
    running = Daemon(tmp_path / "rollcall")
    yield running
    running.kill()


def browse(tmp_path, address: str, *flags: str) -> str:
    """What the page shows after a few seconds, as the browser's own HTML."""
    run = subprocess.run(
        [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'browser'}", f"--virtual-time-budget={PAGE_MS}", *flags,
         f"http://{address}/"],
        capture_output=True, text=True, timeout=BROWSER_S, check=True)
    assert "Content Security Policy" not in run.stderr
    return run.stdout


def picture(tmp_path, address: str, name: str, *flags: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    path.unlink(missing_ok=True)
    browse(tmp_path, address, f"--screenshot={path}", "--window-size=1280,1000", *flags)
    assert path.stat().st_size > 5000


def text_of(html: str, id_: str) -> str:
    found = re.search(rf'id="{id_}"[^>]*>([^<]*)<', html)
    assert found, f"no element {id_}"
    return found.group(1)


def test_an_empty_registry_says_so(daemon, tmp_path):
    html = browse(tmp_path, daemon.address, "--dump-dom")
    assert text_of(html, "live-text") == "Live"
    assert text_of(html, "total") == "0"
    assert re.search(r'id="no-servers">No servers detected', html)
    assert re.search(r'id="no-services">No services registered', html)
    assert re.search(r'id="notice"[^>]* hidden', html)


def test_services_show_with_status_since_and_why(daemon, tmp_path):
    with daemon.client() as client:
        client.register("billing", "billing-1", ttl=600)
        client.register("billing", "billing-2", ttl=600)
        client.put("/instances/billing-2/maintenance", {"enabled": True, "reason": "new disk"})
        client.register("%3Cimg%20src=x%20onerror=alert(1)%3E", "hostile-1", ttl=600)
    html = browse(tmp_path, daemon.address, "--dump-dom")
    rows = re.findall(r"<tr>(<td.*?)</tr>", html)
    billing = [re.sub(r"<[^>]+>", "|", row) for row in rows if "billing-" in row]
    assert len(billing) == 2
    assert re.search(r"billing-1\|+passing\|+10\.0\.0\.5:8080\|+for \d+ s\|", billing[0])
    assert re.search(r"billing-2\|+maintenance\|+10\.0\.0\.5:8080\|+for \d+ s\|+new disk\|", billing[1])
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "<img src=x" not in html
    picture(tmp_path, daemon.address, "services")
    picture(tmp_path, daemon.address, "services-dark", "--blink-settings=preferredColorScheme=0")


def test_a_page_whose_daemon_has_gone_is_honest(tmp_path):
    """The page itself comes from a server that answers nothing else."""
    import http.server
    import threading

    class PageAlone(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(ROOT / "web" / ("dashboard.html" if path == "/" else pathlib.Path(path).name))

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), PageAlone) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        html = browse(tmp_path, f"127.0.0.1:{server.server_port}", "--dump-dom")
        server.shutdown()
    assert text_of(html, "notice") == "Error connecting to discovery service"
    assert text_of(html, "live-text") == "No answer"
    assert 'data-stale="true"' in html
