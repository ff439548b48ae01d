"""The browser itself: what it is asked to draw, it draws, so that the other tests in this folder can fail for their own reasons only."""


def test_it_runs_scripts_and_follows_the_system_to_dark(browser):
    page = browser.new_page(color_scheme="dark")
    page.set_content("<p id=said></p><script>said.textContent = matchMedia('(prefers-color-scheme: dark)').matches</script>")
    assert page.inner_text("#said") == "true"
