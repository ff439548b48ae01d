"""explore.ipynb in JupyterLab: the picture follows the knobs, a setting is reproduced by its command, and a bad one is refused in place."""

import json
import os
import re
import shlex
import statistics
import subprocess
import sys
from contextlib import suppress

import pytest

from adage_repro.folders import ROOT

FOLLOWS = """() => {
  window.begun = []; window.shown = [];
  document.addEventListener('keydown', () => begun.push(performance.now()), true);
  document.querySelector('.adage-panel img').addEventListener('load', event => {
    window.showing = event.target.src;
    requestAnimationFrame(() => shown.push(performance.now()));
  });
}"""


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Where the notebook saves."""
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def panel(browser, out, tmp_path_factory):
    """The page with explore.ipynb in JupyterLab, all of its cells run."""
    home = tmp_path_factory.mktemp("home")
    own = {"HOME": home, "JUPYTER_CONFIG_DIR": home / "config", "JUPYTER_DATA_DIR": home / "data", "JUPYTER_RUNTIME_DIR": home / "run"}
    environ = {**os.environ, **{name: str(value) for name, value in own.items()}, "ADAGE_REPRO_OUT": str(out)}
    options = "--no-browser --allow-root --ServerApp.port=0 --IdentityProvider.token= --LabApp.expose_app_in_browser=True"
    begin = [sys.executable, "-m", "adage_repro", "lab", options]
    lab = subprocess.Popen(begin, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        address = next(found[0] for line in lab.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{address}lab/tree/explore.ipynb?reset")
        page.wait_for_selector(".jp-Notebook", timeout=60_000)
        page.evaluate("jupyterapp.serviceManager.ready")
        page.wait_for_function("jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status == 'idle'", timeout=60_000)
        page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_selector(".adage-panel img", timeout=60_000)
        page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext.session.kernel.status == 'idle'", timeout=60_000)
        page.evaluate("document.querySelector('.adage-panel').scrollIntoView({block: 'start'})")
        page.evaluate(FOLLOWS)
        yield page
        page.close()
    finally:
        with suppress(ProcessLookupError):
            lab.terminate()
        lab.wait()
        lab.stderr.close()


def slider(page, name):
    """The handle of a knob, which the arrow keys move by one stop."""
    row = page.locator(".adage-panel .widget-hslider", has=page.locator(f".widget-label:text-matches('^{name}( |$)')"))
    return row.locator(".noUi-handle")


def press(page, name, key):
    """Move a knob by a key and wait for what follows: the milliseconds until a new picture is in the page."""
    before = page.evaluate("shown.length")
    slider(page, name).press(key)
    page.wait_for_function(f"shown.length > {before}", timeout=20_000)
    page.wait_for_timeout(50)
    return page.evaluate("shown.at(-1) - begun.at(-1)")


def commands(page):
    return page.locator(".adage-panel code").all_inner_texts()


def test_the_picture_follows_a_knob_and_its_command_reproduces_it(panel, out, tmp_path, capsys):
    before = panel.evaluate("document.querySelector('.adage-panel img').src")
    press(panel, "capacity", "ArrowRight")
    assert panel.evaluate("document.querySelector('.adage-panel img').src") != before
    assert commands(panel) == [f'make {which} SET="capacity=0.62"' for which in ("figure FIG=4", "notebook NAME=explore")]
    took = [press(panel, name, key) for name in ("capacity", "follower_lr", "late_entry_share") for key in 5 * ["ArrowRight", "ArrowLeft"]]
    with capsys.disabled():
        print(f"\nfrom a key to the new picture: median {statistics.median(took):.0f} ms, worst {max(took):.0f} ms of {len(took)} moves")
    panel.get_by_role("button", name="Save picture and data").click()
    panel.wait_for_selector(".adage-panel :text('saved explore.png')")
    seen = json.loads((out / "explore.json").read_text(encoding="utf-8"))
    assert seen["parameters"]["capacity"] == 0.62 and {*seen["tables"], *seen["pictures"]} <= {file.name for file in out.iterdir()}
    for line, name in zip(commands(panel), ("fig04", "explore"), strict=True):
        target, which, given = shlex.split(line.removeprefix("make "))
        arguments = [target, which.split("=")[1], given.removeprefix("SET="), str(tmp_path / name)]
        environ = {key: value for key, value in os.environ.items() if key != "ADAGE_REPRO_OUT"}
        subprocess.run([sys.executable, "-m", "adage_repro", *arguments], cwd=ROOT, env=environ, check=True, capture_output=True)
    again = json.loads((tmp_path / "explore" / "explore.json").read_text(encoding="utf-8"))
    assert again == seen and all((tmp_path / "explore" / table).read_bytes() == (out / table).read_bytes() for table in seen["tables"])
    figure = json.loads((tmp_path / "fig04" / "fig04.json").read_text(encoding="utf-8"))["headline"]
    for leader in ("with", "without"):
        assert figure[f"follower_lr 0.01, gap {leader} the leader"] == pytest.approx(seen["headline"][f"gap {leader} the leader"], abs=1e-9)


def test_a_setting_that_does_not_exist_is_refused_in_place(panel):
    before = panel.evaluate("document.querySelector('.adage-panel img').src"), commands(panel)
    slider(panel, "capacity").press("Home")
    said = panel.locator(".adage-panel [role=alert]")
    said.wait_for()
    assert said.inner_text() == "capacity must lie in [1/n_agents, 1], got 0.02."
    assert (panel.evaluate("document.querySelector('.adage-panel img').src"), commands(panel)) == before
    press(panel, "capacity", "End")
    assert said.count() == 0 and 'SET="capacity=1.0"' in commands(panel)[0]


def test_the_picture_does_not_lag_behind_the_knob(panel):
    """Forty stops in a row, faster than pictures can be drawn: the last picture is that of the last stop, and soon there."""
    begun = panel.evaluate("shown.length")
    for key in 2 * (20 * ["ArrowLeft"] + 20 * ["ArrowRight"]):
        slider(panel, "late_entry_share").press(key, no_wait_after=True)
    slider(panel, "capacity").press("ArrowLeft")
    panel.wait_for_function("document.querySelector('.adage-panel code').innerText.includes('capacity=0.98')", timeout=5000)
    assert panel.evaluate("shown.length") - begun <= 82


def test_a_preset_sets_all_knobs(panel):
    panel.locator(".adage-panel select").first.select_option("The true game")
    panel.wait_for_function("document.querySelector('.adage-panel code').innerText == 'make figure FIG=4 SET=\"crowd=excluded\"'")
    panel.locator(".adage-panel select").first.select_option("Figure 9")
    panel.wait_for_function("document.querySelector('.adage-panel code').innerText == 'make figure FIG=9'", timeout=20_000)
