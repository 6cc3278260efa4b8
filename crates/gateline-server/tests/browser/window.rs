//! A window: headless Chromium behind its driver, closed whatever becomes of the test.

use std::panic::AssertUnwindSafe;
use std::process::Stdio;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use futures::FutureExt;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long anything may take to show before the test fails: a stopped clock, not a measure of speed.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the browser looks at the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    pub width: u32,
    pub height: u32,
    pub scripts: Scripts,
    pub scheme: Scheme,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    Run,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

pub const WIDE: Manner = Manner {
    width: 1280,
    height: 900,
    scripts: Scripts::Run,
    scheme: Scheme::Light,
};
pub const NARROW: Manner = Manner { width: 400, ..WIDE };

/// Runs a test in a new window, and closes the window also when the test fails.
pub async fn with_window<F>(manner: Manner, test: impl FnOnce(Window) -> F)
where
    F: Future<Output = ()>,
{
    let (_driver, address) = driver().await;
    let profile = tempfile::tempdir().unwrap();
    let capabilities = capabilities(manner, profile.path().to_str().unwrap());
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(serde_json::from_value(capabilities).unwrap())
        .connect(&address)
        .await
        .expect("the browser starts");
    let ended = AssertUnwindSafe(test(Window {
        client: client.clone(),
    }))
    .catch_unwind()
    .await;
    client.close().await.expect("the browser closes");
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

/// The browser's driver on a port that was free.
async fn driver() -> (Child, String) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("`chromedriver` is installed: apt-get install chromium chromium-driver");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("successfully on port ") {
            let port = port.trim_end_matches('.').to_owned();
            // Whoever stops reading stops the driver when its pipe is full.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (driver, format!("http://127.0.0.1:{port}"));
        }
    }
    panic!("chromedriver ended before it listened");
}

fn capabilities(manner: Manner, profile: &str) -> Value {
    let Manner {
        width,
        height,
        scripts,
        scheme,
    } = manner;
    let mut settings = vec![match scheme {
        Scheme::Dark => "preferredColorScheme=0",
        Scheme::Light => "preferredColorScheme=1",
    }];
    if scripts == Scripts::Never {
        settings.push("scriptEnabled=false");
    }
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": {
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--hide-scrollbars", format!("--user-data-dir={profile}"),
                format!("--blink-settings={}", settings.join(",")),
            ],
            // The size of what is shown, not of the window around it.
            "mobileEmulation": {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0, "mobile": width < 500, "touch": false}},
        },
    })
}

/// An open window.
pub struct Window {
    pub client: Client,
}

impl Window {
    pub async fn go(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    /// Logs in through the page, and is at `address` then.
    pub async fn log_in(&self, origin: &str, secret: &str) {
        self.go(&format!("{origin}/login")).await;
        self.write("#token", secret).await;
        self.click("form button").await;
        self.until_shown("h1", "Board").await;
    }

    pub async fn write(&self, css: &str, text: &str) {
        self.find(css).await.send_keys(text).await.unwrap();
    }

    /// Clicks; again where the page was exchanged between looking and clicking.
    pub async fn click(&self, css: &str) {
        let clicking = async {
            while self.find(css).await.click().await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, clicking).await.is_err() {
            panic!("`{css}` could not be clicked");
        }
    }

    pub async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    async fn find(&self, css: &str) -> fantoccini::elements::Element {
        let wait = self.client.wait().at_most(PATIENCE);
        wait.for_element(Locator::Css(css))
            .await
            .unwrap_or_else(|err| panic!("nothing is at `{css}`: {err}"))
    }

    /// Waits until an element shows a text; pages may change it meanwhile. To see that something was done,
    /// wait for what was not shown before.
    pub async fn until_shown(&self, css: &str, text: &str) {
        let mut seen = String::new();
        let looking = async {
            loop {
                let found = self.client.find(Locator::Css(css)).await;
                seen = match found {
                    Ok(element) => element.text().await.unwrap_or_default(),
                    Err(_) => String::new(),
                };
                if seen.contains(text) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, looking).await.is_err() {
            panic!("`{css}` never showed `{text}`, but `{seen}`");
        }
    }

    /// Runs a script of the test, and gives what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits until a script of the test returns a value; pages may be exchanged meanwhile.
    pub async fn until(&self, script: &str, value: Value) {
        let mut seen = Value::Null;
        let looking = async {
            loop {
                let told = self.client.execute(script, Vec::new()).await;
                seen = told.unwrap_or_default();
                if seen == value {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, looking).await.is_err() {
            panic!("`{script}` never returned {value}, but {seen}");
        }
    }

    /// Presses keys where the focus is.
    pub async fn press(&self, keys: &str) {
        self.client
            .active_element()
            .await
            .unwrap()
            .send_keys(keys)
            .await
            .unwrap();
    }
}
