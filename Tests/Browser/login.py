#!/usr/bin/python3
"""Logs in with Debian's Chromium (A1): by the key agent with each kind of key, and by a certificate of the browser's own.

usage: login.py PKI PORTAL LOGIN PICTURES
  PKI       folder of the development certificates
  PORTAL    the portal's address, as in https://localhost:7000
  LOGIN     the address of Auth's login listener
  PICTURES  folder that gets a picture of every page
"""
import json
import os
import subprocess
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

PKI, PORTAL, LOGIN, PICTURES = sys.argv[1:5]
NAME = "安徽宏远建设工程有限公司"
POLICIES = "/etc/chromium/policies/managed"


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make_profile(home):
    """A home whose certificate store trusts the deployment's root and holds a bidder's certificate."""
    store = f"{home}/.pki/nssdb"
    os.makedirs(store)
    run("certutil", "-N", "-d", f"sql:{store}", "--empty-password")
    run("certutil", "-A", "-d", f"sql:{store}", "-n", "root", "-t", "C,,", "-i", f"{PKI}/root.pem")
    run("openssl", "pkcs12", "-export", "-in", f"{PKI}/bidder-1.pem", "-inkey", f"{PKI}/bidder-1.key",
        "-out", f"{home}/bidder.p12", "-passout", "pass:", "-name", "bidder")
    run("pk12util", "-i", f"{home}/bidder.p12", "-d", f"sql:{store}", "-W", "", "-K", "")


def browser(home, scripts=True):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1000,900",
                     "--lang=zh-CN", f"--user-data-dir={home}/{'profile' if scripts else 'profile-plain'}"]:
        options.add_argument(argument)
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    os.environ["HOME"] = home
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.set_page_load_timeout(60)
    return driver


def wait(driver, what, condition):
    return WebDriverWait(driver, 60, ignored_exceptions=[Exception]).until(lambda _: condition(), what)


def text(driver, selector):
    return driver.find_element(By.CSS_SELECTOR, selector).text


def picture(driver, name):
    os.makedirs(PICTURES, exist_ok=True)
    driver.save_screenshot(f"{PICTURES}/{name}.png")


def is_logged_in(driver):
    return text(driver, "h1") == "账户中心"


def log_out(driver):
    driver.find_element(By.CSS_SELECTOR, "header form button").click()
    wait(driver, "the login page", lambda: text(driver, "h1") == "企业登录")


def by_key_agent(driver):
    """Each of the agent's keys, once with a wrong PIN first."""
    driver.get(f"{PORTAL}/login")
    wait(driver, "the driver doctor", lambda: "驱动正常" in text(driver, "#doctor"))
    picture(driver, "login")
    labels = [option.text for option in Select(driver.find_element(By.ID, "certificate")).options]
    assert {label.rsplit("(")[-1] for label in labels} == {"ECC)", "RSA)", "SM2)"}, labels
    for number, label in enumerate(labels):
        driver.get(f"{PORTAL}/login")
        wait(driver, "the form", lambda: driver.find_element(By.ID, "pin").is_displayed())
        Select(driver.find_element(By.ID, "certificate")).select_by_visible_text(label)
        if number == 0:
            driver.find_element(By.ID, "pin").send_keys("000000\n")
            wait(driver, "a refusal of the PIN", lambda: "口令不正确" in text(driver, "#doctor"))
            picture(driver, "wrong-pin")
            # The button comes back with the refusal.
            wait(driver, "the button", lambda: driver.find_element(By.CSS_SELECTOR, "#answer button").is_enabled())
        driver.find_element(By.ID, "pin").send_keys("123456\n")
        wait(driver, f"a login by {label}", lambda: is_logged_in(driver))
        assert label.startswith(text(driver, "#name")), label
        assert "CA 锁签名（本次）" in text(driver, "table"), text(driver, "table")
        picture(driver, f"account-{number}")
        log_out(driver)
    # Nobody is logged in any more.
    driver.get(f"{PORTAL}/")
    wait(driver, "the login page", lambda: "请先登录" in text(driver, ".notice"))
    picture(driver, "logged-out")


def from_elsewhere(driver):
    """The same page at an origin that is not on the agent's list learns nothing."""
    driver.get(PORTAL.replace("localhost", "127.0.0.1") + "/login")
    wait(driver, "a refusal", lambda: "没有找到 CA 锁驱动" in text(driver, "#doctor"))
    assert not driver.find_element(By.ID, "pin").is_displayed()
    picture(driver, "no-agent")


def by_certificate(driver):
    driver.get(f"{PORTAL}/login")
    driver.find_element(By.LINK_TEXT, "选择证书登录").click()
    wait(driver, "a login by certificate", lambda: is_logged_in(driver))
    assert text(driver, "#name") == NAME
    assert "浏览器证书（本次）" in text(driver, "table")
    # Scripts of a page see neither cookie.
    names = [cookie["name"] for cookie in driver.get_cookies() if cookie["httpOnly"] and cookie["secure"]]
    assert sorted(names) == ["__Host-baohan", "__Host-baohan-browser"], names
    # The page ends its own session, and the cookie is worth nothing.
    driver.find_element(By.CSS_SELECTOR, "tbody form button").click()
    wait(driver, "the login page", lambda: text(driver, "h1") == "企业登录")


with tempfile.TemporaryDirectory() as home:
    make_profile(home)
    # A browser without a screen cannot ask which certificate to show.
    policy = f"{POLICIES}/baohan-test-{os.getpid()}.json"
    os.makedirs(POLICIES, exist_ok=True)
    with open(policy, "w") as file:
        json.dump({"AutoSelectCertificateForUrls": [json.dumps({"pattern": LOGIN, "filter": {}})]}, file)
    try:
        for scripts, steps in [(True, [by_key_agent, from_elsewhere, by_certificate]), (False, [by_certificate])]:
            driver = browser(home, scripts)
            try:
                for step in steps:
                    step(driver)
                    print("done:", step.__name__, "" if scripts else "without scripts")
            except Exception:
                picture(driver, "failure")
                print(driver.current_url, driver.find_element(By.TAG_NAME, "body").text)
                raise
            finally:
                driver.quit()
    finally:
        os.remove(policy)
