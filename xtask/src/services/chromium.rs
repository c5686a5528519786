//! A real browser and the WebDriver that steers it.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::{Service, Variable};
use crate::process::find;
use crate::workspace::Workspace;

const BROWSER: &str = "CONVOR_CHROMIUM";
const DRIVER: &str = "CONVOR_CHROMEDRIVER";

pub(crate) struct Chromium;

impl Service for Chromium {
    fn missing(&self) -> Vec<&'static str> {
        let mut packages = Vec::new();
        packages.extend(browser().is_none().then_some("chromium"));
        packages.extend(driver().is_none().then_some("chromium-driver"));
        packages
    }

    /// The tests start the driver themselves, one for each, so that they share no window.
    fn start(&mut self, _: &Workspace) -> Result<()> {
        Ok(())
    }

    fn variables(&self, _: &Workspace) -> Result<Vec<Variable>> {
        let browser = browser().context("no Chromium")?;
        let driver = driver().context("no ChromeDriver")?;
        Ok(vec![(BROWSER, browser.into()), (DRIVER, driver.into())])
    }
}

/// Whoever has a browser in an unusual place may name it.
fn browser() -> Option<PathBuf> {
    named(BROWSER).or_else(|| find(&["chromium", "chromium-browser", "google-chrome"]))
}

fn driver() -> Option<PathBuf> {
    named(DRIVER).or_else(|| find(&["chromedriver"]))
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from)
}
