//! Signing in with a real provider of identities, in a real browser; and what the login page looks like.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use gateline_core::{Actor, Command as Asked};
use gateline_server::{Settings, router};
use gateline_spec::{ServerFile, read_server};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::support::App;
use crate::window::{Manner, NARROW, Scheme, WIDE, with_window};

/// Where `cargo xtask test` installs the provider.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/oidc")
}

/// A provider that knows Gateline, and whatever else it needs to be found again on the same port.
struct Provider {
    port: u16,
    back: String,
    _process: Child,
}

impl Provider {
    async fn start(port: u16, back: &str) -> Self {
        let dir = installed();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc/provider.mjs");
        // Node looks for packages beside the script.
        std::fs::copy(script, dir.join("provider.mjs")).expect("`cargo xtask test` installs the provider");
        let mut process = Command::new("node")
            .current_dir(&dir)
            .args(["provider.mjs", &port.to_string(), "gateline", "hunter2", back])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("`node` is installed: apt-get install nodejs npm");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line == "ready" {
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Self {
                    port,
                    back: back.to_owned(),
                    _process: process,
                };
            }
        }
        panic!(
            "the provider ended before it listened: look into {}",
            dir.display()
        );
    }

    /// The same provider with other keys, as after a rotation.
    async fn again(mut self) -> Self {
        self._process.kill().await.unwrap();
        Self::start(self.port, &self.back).await
    }
}

/// A port that is free now.
async fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn settings(origin: &str, issuer: u16, secret: &Path) -> ServerFile {
    let text = format!(
        "apiVersion: gateline.dev/v1\nkind: Server\nspec:\n  url: {origin}\n  providers:\n    - {{name: corp, title: Acme, issuer: 'http://127.0.0.1:{issuer}', client_id: gateline, client_secret: 'file:{}', scopes: [profile, groups], groups: groups}}\n",
        secret.display()
    );
    read_server("server.yaml", &text).unwrap()
}

/// A server that believes a provider on this port.
async fn serve(app: &App, issuer: u16, secret: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let settings = Settings {
        file: settings(&origin, issuer, secret),
        ..Settings::default()
    };
    let service = router(app.hub.clone(), settings);
    tokio::spawn(async move { axum::serve(listener, service).await });
    origin
}

#[tokio::test]
async fn a_person_signs_in_with_a_provider_also_after_it_changed_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "hunter2\n").unwrap();
    let (app, ..) = App::start().await;
    let issuer = port().await;
    let origin = serve(&app, issuer, &secret).await;
    let back = format!("{origin}/login/corp/callback");
    let mut provider = Provider::start(issuer, &back).await;
    for name in ["ana", "bo"] {
        with_window(WIDE, async |window| {
            window.go(&format!("{origin}/log")).await;
            assert_eq!(window.path().await, "/login");
            window.click(".ways a.button").await;
            window.write("input[name=login]", name).await;
            window.write("input[name=password]", "any").await;
            window.click("button[type=submit]").await;
            // The provider asks whether Gateline may know who it is.
            window.until_shown("body", "Authorize").await;
            window.click("button[type=submit]").await;
            window.until_shown("h1", "Log").await;
            window.until_shown("header", &format!("corp:{name}")).await;
            window
                .until_shown("main", &format!("corp:{name} signed in"))
                .await;
            window.click("header a[href='/sessions']").await;
            window.until_shown("h1", "Sessions").await;
            window.until_shown("main", "corp").await;
            window.click("header form button").await;
            window.until_shown("h1", "Log in").await;
            // The session is over, and not only forgotten by this window.
            window.go(&origin).await;
            assert_eq!(window.path().await, "/login");
        })
        .await;
        provider = provider.again().await;
    }
}

#[tokio::test]
#[ignore = "takes pictures for people to look at, into the folder GATELINE_PICTURES"]
async fn pictures_of_the_login_page() {
    let folder = PathBuf::from(std::env::var("GATELINE_PICTURES").expect("GATELINE_PICTURES names a folder"));
    let (app, admin, ..) = App::start().await;
    let plain = serve_plain(&app).await;
    let account = Asked::MakeAccount {
        account: "ana".parse().unwrap(),
    };
    app.hub
        .submit(Actor::gateline(), account, None, Vec::new())
        .await
        .unwrap();
    let full = serve(&app, 9, Path::new("/nowhere")).await;
    let dark = Manner {
        scheme: Scheme::Dark,
        ..WIDE
    };
    for (word, manner) in [("wide", WIDE), ("wide-dark", dark), ("narrow", NARROW)] {
        with_window(manner, async |window| {
            let picture = async |name: &str| {
                let file = folder.join(format!("{name}-{word}.png"));
                std::fs::write(file, window.client.screenshot().await.unwrap()).unwrap();
            };
            window.go(&format!("{plain}/login")).await;
            picture("login-accounts").await;
            window.go(&format!("{full}/login")).await;
            picture("login-all").await;
            window.write("#account", "ana").await;
            window.write("#password", "wrong horse battery").await;
            window.click("form button").await;
            window.until_shown("#problem", "do not belong together").await;
            picture("login-wrong").await;
            window.click("details.ways summary").await;
            window.write("#token", admin.token()).await;
            window.click("details.ways button").await;
            window.until_shown("h1", "Board").await;
            window.go(&format!("{full}/sessions")).await;
            picture("sessions").await;
        })
        .await;
    }
}

async fn serve_plain(app: &App) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let service = router(app.hub.clone(), Settings::default());
    tokio::spawn(async move { axum::serve(listener, service).await });
    origin
}
