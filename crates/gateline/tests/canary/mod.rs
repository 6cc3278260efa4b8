//! Canaries: a secret of its own wherever one can be given, places that say it again, and then a look for it everywhere.

mod echo;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use self::echo::Echo;
use super::{GATELINE, Place, all, eventually, text_of};

/// A secret that is nowhere else: small letters only, so that nobody takes it for anything but a word.
fn canary(name: &str) -> String {
    format!("canary_{name}_qzxjvwkqzx")
}

/// Secrets that the server reads from its environment, by the variable's name.
const IN_ENVIRONMENT: [&str; 12] = [
    "oidc",
    "webhook",
    "slack",
    "slack_signing",
    "smtp",
    "github",
    "github_hook",
    "prometheus",
    "http",
    "unreachable",
    "registry",
    "pager",
];

fn variable(name: &str) -> String {
    format!("CANARY_{}", name.to_ascii_uppercase())
}

/// What is looked for: each secret, and as credentials carry it.
fn forms(secret: &str) -> Vec<String> {
    let bytes: Vec<u8> = secret.bytes().collect();
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    vec![secret.to_owned(), hex]
}

fn server_file(echo: &Echo) -> String {
    let at = echo.address;
    let reference = |name: &str| format!("env:{}", variable(name));
    format!(
        "apiVersion: gateline.dev/v1\nkind: Server\nspec:\n  url: http://localhost:1\n  secrets: {{env: [CANARY_PAGER]}}\n  \
         providers:\n    - {{name: corp, issuer: 'http://{at}', client_id: gateline, client_secret: '{oidc}'}}\n  channels:\n    \
         - {{name: hook, allow: [127.0.0.1], webhook: {{url: 'http://{at}/hook', secret: '{webhook}'}}}}\n    \
         - {{name: gone, allow: [127.0.0.1], webhook: {{url: 'http://127.0.0.1:1/hook', secret: '{webhook}'}}}}\n    \
         - {{name: chat, allow: [127.0.0.1], slack: {{conversation: C0123456789, api: 'http://{at}/slack', token: '{slack}', \
         signing_secret: '{signing}'}}}}\n    \
         - {{name: post, allow: [127.0.0.1], mail: {{server: 'smtp://127.0.0.1:{smtp_port}', from: g@example.org, to: [a@example.org], \
         user: gateline, password: '{smtp}'}}}}\n    \
         - {{name: code, allow: [127.0.0.1], github: {{repository: acme/app, api: 'http://{at}/github', token: '{github}', \
         webhook_secret: '{github_hook}'}}}}\n",
        oidc = reference("oidc"),
        webhook = reference("webhook"),
        slack = reference("slack"),
        signing = reference("slack_signing"),
        smtp = reference("smtp"),
        smtp_port = at.port(),
        github = reference("github"),
        github_hook = reference("github_hook"),
    )
}

fn pipeline(echo: &Echo, scrape: &Path) -> String {
    let at = echo.address;
    let because = "because: It must hold.";
    format!(
        "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {{name: app, project: shop}}\nspec:\n  artifacts:\n    \
         - {{name: image, kind: oci, attestations: {{registry: '{at}', transport: http, username: gateline, password: 'env:CANARY_REGISTRY'}}}}\n  \
         stages:\n    - name: live\n      target: {{command: {{apply: [/bin/sh, -c, env], observe: [/bin/sh, -c, 'env; exit 7']}}}}\n      gates:\n        \
         - metric: {{source: {{prometheus: {{url: 'http://{at}/prom', token: 'env:CANARY_PROMETHEUS'}}}}, query: up, threshold: '<= 1', every: 1s}}\n          name: prometheus\n          {because}\n        \
         - metric: {{source: {{openmetrics: {{url: 'http://{at}/moved', token: 'file:{scrape}'}}}}, query: up, threshold: '<= 1', every: 1s}}\n          name: scrape\n          {because}\n        \
         - http: {{url: 'http://{at}/page', token: 'env:CANARY_HTTP', every: 1s}}\n          name: page\n          {because}\n        \
         - http: {{url: 'http://127.0.0.1:1/', token: 'env:CANARY_UNREACHABLE', every: 1s}}\n          name: away\n          {because}\n        \
         - command: {{run: [/bin/sh, -c, 'env; exit 3'], every: 1s}}\n          name: program\n          {because}\n    \
         - name: free\n      target: {{command: {{apply: [/bin/sh, -c, 'env; exit 4']}}}}\n",
        scrape = scrape.display(),
    )
}

/// A server with a canary in each place, whose log goes to a file; and all that anybody was told.
struct Cage {
    place: Place,
    echo: Echo,
    told: RefCell<String>,
    secrets: RefCell<Vec<String>>,
}

impl Cage {
    fn new() -> Self {
        let echo = Echo::start();
        let mut place = Place::bare();
        let config = place.write("server.yaml", &server_file(&echo));
        let mut serve = place.serve(&place.address);
        serve.arg("--config").arg(&config).env("GATELINE_LOG", "trace");
        for name in IN_ENVIRONMENT {
            serve.env(variable(name), canary(name));
        }
        let log = std::fs::File::create(place.path("server.log")).unwrap();
        serve.stdout(log.try_clone().unwrap()).stderr(log);
        place.server = Some(serve.spawn().unwrap());
        eventually("the server answers", || {
            place.gateline(&["status"]).status.success()
        });
        let secrets = IN_ENVIRONMENT.map(canary).into();
        Self {
            place,
            echo,
            told: RefCell::default(),
            secrets: RefCell::new(secrets),
        }
    }

    /// A secret that is given now.
    fn given(&self, name: &str) -> String {
        self.secrets.borrow_mut().push(canary(name));
        canary(name)
    }

    /// Runs a verb, whatever becomes of it, and keeps what it said.
    fn try_to(&self, arguments: &[&str]) -> String {
        let said = all(&self.place.gateline(arguments));
        self.told.borrow_mut().push_str(&said);
        said
    }

    /// Runs the binary as it is, with more of an environment.
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> String {
        // What should be refused and is not would run for ever.
        let mut child = Command::new("timeout")
            .args(["20", GATELINE])
            .args(arguments)
            .env("GATELINE_SERVER", format!("http://{}", self.place.address))
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who does not read it has a right to that.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let said = all(&child.wait_with_output().unwrap());
        self.told.borrow_mut().push_str(&said);
        said
    }

    /// One request as it is written, and its whole answer.
    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.place.address).unwrap();
        stream
            .write_all(request.replace('\n', "\r\n").as_bytes())
            .unwrap();
        stream.set_read_timeout(Some(super::WITHIN)).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        self.told.borrow_mut().push_str(&answer);
        answer
    }

    fn get(&self, path: &str) -> String {
        let token = self.place.read("admin");
        self.ask(&format!(
            "GET {path} HTTP/1.1\nHost: localhost\nConnection: close\nAuthorization: Bearer {}\n\n",
            token.trim()
        ))
    }

    fn post(&self, path: &str, headers: &str, body: &str) -> String {
        self.ask(&format!(
            "POST {path} HTTP/1.1\nHost: localhost\nConnection: close\nContent-Length: {}\n{headers}\n{body}",
            body.len()
        ))
    }

    /// Where one of the secrets is found.
    fn found(&self) -> Vec<String> {
        let secrets = self.secrets.borrow();
        let mut wrong = Vec::new();
        let mut look = |place: &str, bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            for secret in secrets.iter().flat_map(|secret| forms(secret)) {
                if let Some(at) = text.find(&secret) {
                    let from = text[..at]
                        .char_indices()
                        .rev()
                        .nth(120)
                        .map_or(0, |(from, _)| from);
                    wrong.push(format!("{secret} in {place}: ..{}", &text[from..at]));
                }
            }
        };
        look("what was said", self.told.borrow().as_bytes());
        look(
            "the server's log",
            &std::fs::read(self.place.path("server.log")).unwrap(),
        );
        for file in files(&self.place.path("data")) {
            look(&file.display().to_string(), &std::fs::read(&file).unwrap());
        }
        let backup = Command::new("gzip")
            .arg("-dc")
            .stdin(std::fs::File::open(self.place.path("backup")).unwrap())
            .output()
            .unwrap();
        assert!(backup.stdout.len() > 1_000, "{}", all(&backup));
        look("the backup", &backup.stdout);
        wrong
    }
}

pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files(&entry.path())),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

#[test]
fn no_secret_is_in_any_log_answer_error_file_or_backup() {
    let cage = Cage::new();
    drivers_are_shown_theirs(&cage);
    sign_in(&cage);
    assert!(
        cage.echo.saw(&canary("oidc")),
        "the provider was shown its secret"
    );
    people_show_theirs(&cage);
    bad_files(&cage, &cage.given("literal"));
    databases_are_refused(&cage);
    everything_is_looked_at(&cage);
    cage.secrets
        .borrow_mut()
        .push(cage.place.read("admin").trim().to_owned());
    // They did say it again, and it was seen.
    assert!(
        cage.told.borrow().contains("[secret]"),
        "nobody said a secret again"
    );
    let wrong = cage.found();
    assert!(wrong.is_empty(), "{} leaks:\n{}", wrong.len(), wrong.join("\n"));
}

/// Checks, letters, sources and registries, that work as far as their tokens are asked for.
fn drivers_are_shown_theirs(cage: &Cage) {
    let scrape = cage.place.write("scrape-token", &cage.given("scrape"));
    let roles = format!(
        "apiVersion: gateline.dev/v1\nkind: Roles\nmetadata: {{project: shop}}\nspec:\n  teams:\n    - name: duty\n      \
         on_call: {{http: 'http://{}/moved', who: /who, every: 30s, max_age: 5m, token: 'env:CANARY_PAGER'}}\n",
        cage.echo.address
    );
    let channels = ["hook", "gone", "chat", "post", "code"].map(|name| format!("{{channel: {name}}}"));
    let rules = format!(
        "apiVersion: gateline.dev/v1\nkind: Notifications\nmetadata: {{project: shop}}\nspec:\n  rules:\n    - name: all\n      \
         on: [promotion_requested]\n      to: [{}]\n",
        channels.join(", ")
    );
    for (name, text) in [
        ("pipeline.yaml", pipeline(&cage.echo, &scrape)),
        ("roles.yaml", roles),
        ("notifications.yaml", rules),
    ] {
        let file = cage.place.write(name, &text);
        cage.try_to(&["apply", "-f", text_of(&file)]);
    }
    let digest = format!("sha256:{}", "7".repeat(64));
    let source = format!(
        "source: {{commit: {}, repository: 'https://github.com/acme/app'}}\n",
        "a".repeat(40)
    );
    let change = cage.place.write("change.yaml", &source);
    let image = format!("image=oci://{}/shop/app@{digest}", cage.echo.address);
    let release = ["release", "create", "app@1.0.0", "--artifact", &image, "--change"];
    let made = cage.try_to(&[&release[..], &[text_of(&change)]].concat());
    cage.try_to(&["promote", "app@1.0.0", "--to", "live"]);
    cage.try_to(&["evidence", "fetch", "app@1.0.0"]);
    // These are never shown as they are, or not yet.
    let hidden = [
        "oidc",
        "slack_signing",
        "github_hook",
        "webhook",
        "smtp",
        "unreachable",
    ];
    for name in IN_ENVIRONMENT.iter().filter(|name| !hidden.contains(name)) {
        eventually(&format!("{name} was shown; {made}"), || {
            cage.echo.saw(&canary(name))
        });
    }
    eventually("the scrape's token was shown", || {
        cage.echo.saw(&canary("scrape"))
    });
    eventually("letters failed", || {
        let letters = cage.try_to(&["notifications", "--json"]);
        letters.matches("answered").count() >= 2 && letters.contains("could not reach")
    });
}

/// What people and programs show, right and wrong.
fn people_show_theirs(cage: &Cage) {
    let password = cage.given("password");
    let admin = format!("file:{}", cage.place.path("admin").display());
    cage.run(&["account", "create", "ana", "--token", &admin], &[], &password);
    for tried in [password.clone(), cage.given("wrong_password")] {
        let form = format!("account=ana&password={tried}");
        cage.post(
            "/login",
            "Content-Type: application/x-www-form-urlencoded\n",
            &form,
        );
    }
    let token = cage.given("token");
    cage.ask(&format!(
        "GET /api/v1/board?token={token} HTTP/1.1\nHost: localhost\nConnection: close\nAuthorization: Bearer {token}\n\
         Cookie: gateline_session={token}\n\n"
    ));
    let signed = cage.given("signature");
    let slack = format!("X-Slack-Signature: v0={signed}\nX-Slack-Request-Timestamp: 1\n");
    cage.post("/hooks/slack", &slack, "payload=1");
    cage.post(
        "/hooks/github",
        &format!("X-Hub-Signature-256: sha256={signed}\n"),
        "{}",
    );
    for arguments in [
        ["status", "--token", token.as_str()].as_slice(),
        &["status", "--server", &format!("http://ana:{token}@127.0.0.1:1")],
        &["status", "--server", &format!("nonsense://ana:{token}@")],
    ] {
        cage.run(arguments, &[], "");
    }
    cage.run(&["status"], &[("GATELINE_TOKEN", &token)], "");
}

/// Addresses of databases with a password in them, and one that cannot be reached.
fn databases_are_refused(cage: &Cage) {
    let secret = cage.given("database");
    let dir = cage.place.path("none");
    for store in [
        format!("postgres://gateline:{secret}@127.0.0.1:1/gateline"),
        format!("postgres://gateline@127.0.0.1:1/gateline?password={secret}"),
        "postgres://gateline@127.0.0.1:1/gateline?password=env:CANARY_DATABASE".to_owned(),
        format!("nonsense://gateline:{secret}@127.0.0.1:1/gateline"),
    ] {
        let said = cage.run(
            &["serve", "--store", &store, "--dir", text_of(&dir)],
            &[("CANARY_DATABASE", &secret), ("GATELINE_LOG", "trace")],
            "",
        );
        assert!(said.contains("error"), "{said}");
    }
}

fn everything_is_looked_at(cage: &Cage) {
    for path in [
        "/",
        "/log",
        "/inbox",
        "/people?project=shop",
        "/notifications?project=shop",
        "/metrics",
        "/promotions/shop/app/live/1",
        "/api/v1/log?limit=500",
        "/api/v1/board",
        "/api/v1/tokens",
        "/api/v1/accounts",
        "/api/v1/pipelines",
    ] {
        cage.get(path);
    }
    for verb in [
        ["log", "--limit", "500", "--json"].as_slice(),
        &["explain", "app@1.0.0", "--to", "live", "--json"],
        &["explain", "app@1.0.0", "--to", "live"],
        &["pipeline", "show", "shop/app"],
        &["roles"],
        &["token", "list"],
        &["account", "list"],
    ] {
        cage.try_to(verb);
    }
    let (data, backup) = (cage.place.path("data"), cage.place.path("backup"));
    let made = cage.run(
        &["backup", "--dir", text_of(&data), "--to", text_of(&backup)],
        &[],
        "",
    );
    assert!(backup.exists(), "{made}");
}

/// A sign-in as far as the provider's error.
fn sign_in(cage: &Cage) {
    let begun = cage.ask("GET /login/corp HTTP/1.1\nHost: localhost\nConnection: close\n\n");
    let value = |name: &str, end: &[char]| {
        let rest = begun.split(name).nth(1)?;
        rest.split(end).next().map(str::to_owned)
    };
    let state = value("state=", &['&', '\r', '"']).unwrap_or_else(|| panic!("{begun}"));
    let cookie = value("set-cookie: ", &[';', '\r']).unwrap_or_else(|| panic!("{begun}"));
    cage.ask(&format!(
        "GET /login/corp/callback?code=a-code&state={state} HTTP/1.1\nHost: localhost\nConnection: close\nCookie: {cookie}\n\n"
    ));
}

/// Secrets where none may stand: refused, and not repeated by who refuses them.
fn bad_files(cage: &Cage, literal: &str) {
    let head = "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {name: bad, project: shop}\nspec:\n  artifacts: [{name: app, kind: file}]\n  stages:\n    - name: live\n      target: {command: {apply: [/bin/true]}}\n      gates:\n";
    let gate = |gate: String| format!("{head}        - {gate}\n          because: It must.\n");
    let bad = [
        gate(format!("http: {{url: 'http://localhost:1/', token: {literal}}}")),
        gate(format!("http: {{url: 'http://ana:{literal}@localhost:1/'}}")),
        gate(format!("http: {{url: 'http://localhost:1/', tokn: {literal}}}")),
        gate(format!(
            "metric: {{source: {{prometheus: {{url: 'http://x:{literal}@h', token: env:A}}}}, query: up, threshold: '< 1'}}"
        )),
        // No YAML at all.
        format!("{head}    token: {literal}\n  }}{{"),
        format!(
            "apiVersion: gateline.dev/v1\nkind: Roles\nmetadata: {{project: shop}}\nspec:\n  teams:\n    - {{name: a, on_call: {{http: 'https://h', who: /a, token: {literal}}}}}\n"
        ),
    ];
    for (number, text) in bad.iter().enumerate() {
        let file = cage.place.write(&format!("bad-{number}.yaml"), text);
        let file = text_of(&file);
        for verb in [["lint", file].as_slice(), &["apply", "-f", file]] {
            let said = cage.try_to(verb);
            assert!(said.contains("error"), "{said}");
        }
        let body = serde_json::json!({"file_name": "bad.yaml", "text": text}).to_string();
        let token = cage.place.read("admin");
        let headers = format!(
            "Content-Type: application/json\nAuthorization: Bearer {}\n",
            token.trim()
        );
        cage.post("/api/v1/pipelines", &headers, &body);
    }
    let servers = [
        format!(
            "spec:\n  url: http://localhost:1\n  providers: [{{name: corp, issuer: 'https://h', client_id: a, client_secret: {literal}}}]\n"
        ),
        format!(
            "spec:\n  channels: [{{name: a, webhook: {{url: 'https://a:{literal}@h/', secret: env:A}}}}]\n"
        ),
        format!("spec:\n  channels: [{{name: a, webhook: {{url: 'https://h/', secret: {literal}}}}}]\n"),
        format!(
            "spec:\n  channels: [{{name: a, mail: {{server: 'smtp://a:{literal}@h', from: a@example.org}}}}]\n"
        ),
        format!("spec:\n  channels: [{{name: a, slack: {{conversation: C1, token: {literal}}}}}]\n"),
    ];
    for (number, text) in servers.iter().enumerate() {
        let text = format!("apiVersion: gateline.dev/v1\nkind: Server\n{text}");
        let file = cage.place.write(&format!("server-{number}.yaml"), &text);
        let dir = cage.place.path("none");
        let said = cage.run(
            &[
                "serve",
                "--config",
                text_of(&file),
                "--dir",
                text_of(&dir),
                "--listen",
                "127.0.0.1:0",
            ],
            &[],
            "",
        );
        assert!(said.contains("error"), "{said}");
    }
}
