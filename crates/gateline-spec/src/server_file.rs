//! The settings file of a server: how it is reached, and whose word it takes for who somebody is.
//! Read as pipeline files are: with places, strictly, everything that is wrong in one pass.

use std::net::IpAddr;
use std::ops::Range;
use std::path::{Component, Path as FilePath};

use gateline_model::{Channel, Person, ProviderName, SecretRef};
use serde::Deserialize;

use crate::diagnostic::{Diagnostics, Sink};
use crate::fields::{Fields, refuse_twins};
use crate::node::{Entry, Node};
use crate::{channel, file, secret};

/// The `kind` of a server's settings file.
pub const SERVER_KIND: &str = "Server";
/// Most providers of identities that one server takes: each is a button on the login page.
pub const PROVIDERS_MAX: usize = 20;
/// Most addresses that may forward requests.
pub const PROXIES_MAX: usize = 100;
/// Names that say by themselves how somebody signed in.
const RESERVED: [&str; 3] = ["local", "token", "gateline"];

/// What a server's settings file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerFile {
    /// How browsers reach the server, without a path: `https://gateline.example.com`.
    pub url: Option<String>,
    /// Addresses whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// Whose word it takes for who a person is.
    pub providers: Vec<Provider>,
    /// The ways to tell people something.
    pub channels: Vec<Channel>,
    /// Who people are on these.
    pub people: Vec<Person>,
    /// The secrets that roles of projects may use.
    pub secrets: Secrets,
}

/// The secrets that files of projects may name. Their authors may not read what this server can read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// Folders whose files may be named, by absolute path.
    pub folders: Vec<String>,
    /// Variables of the environment that may be named.
    pub env: Vec<String>,
}

impl Secrets {
    /// Whether a file of a project may name a secret.
    pub fn allows(&self, reference: &SecretRef) -> bool {
        match reference {
            SecretRef::Env(name) => self.env.contains(name),
            SecretRef::File(path) => {
                let path = FilePath::new(path);
                // `..` would lead out of the folder again.
                let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
                let within = |folder: &String| path.starts_with(folder) && path != FilePath::new(folder);
                path.components().all(plain) && self.folders.iter().any(within)
            }
        }
    }
}

/// A provider of identities, by OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name here: actors and groups of its sign-ins begin with it, as in `corp:ana`.
    pub name: ProviderName,
    /// What its button says.
    pub title: String,
    /// Its address, exactly as it writes it itself.
    pub issuer: String,
    /// What Gateline is called there.
    pub client_id: String,
    /// The secret that belongs to it; none for a public client.
    pub client_secret: Option<SecretRef>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that says who somebody is.
    pub actor: String,
    /// The claim with the groups, where there is one.
    pub groups: Option<String>,
}

/// Reads a server's settings file. `source_name` is how diagnostics call it.
///
/// # Errors
/// [`Diagnostics`] with everything that is wrong with it.
pub fn read_server(source_name: &str, text: &str) -> Result<ServerFile, Diagnostics> {
    let sink = Sink::new(source_name, text);
    let server = file::root(&sink, SERVER_KIND).and_then(|root| server(&root, &sink));
    match (server, sink.finish()) {
        (Some(server), (_, false)) => Ok(server),
        (_, (found, _)) => Err(Diagnostics(found)),
    }
}

fn server(root: &Node, sink: &Sink<'_>) -> Option<ServerFile> {
    // First, so that no other finding can repeat a secret.
    secret::refuse(root, sink);
    let top = Fields::of(
        "a settings file",
        root,
        &root.span,
        &["apiVersion", "kind", "spec"],
        sink,
    )?;
    file::header(&top, "apiVersion", file::API_VERSION);
    file::header(&top, "kind", SERVER_KIND);
    let entry = top.required("spec")?;
    let known = ["url", "proxies", "providers", "channels", "people", "secrets"];
    let spec = Fields::of("`spec`", &entry.value, entry.at(), &known, sink)?;
    let url = spec.get("url").map(|entry| address(entry, Path::None, sink));
    let proxies = spec.items("proxies");
    if proxies.len() > PROXIES_MAX {
        let message = format!("{} proxies are given; the limit is {PROXIES_MAX}", proxies.len());
        sink.error("server.limit", &spec.at, message);
    }
    let proxies: Vec<Option<IpAddr>> = proxies.iter().map(|node| proxy(node, sink)).collect();
    let nodes = spec.items("providers");
    if nodes.len() > PROVIDERS_MAX {
        let message = format!(
            "{} providers are given; the limit is {PROVIDERS_MAX}",
            nodes.len()
        );
        sink.error("server.limit", &spec.at, message);
    }
    let names = nodes.iter().filter_map(|node| node.get("name"));
    let names = names.filter_map(|entry| Some((entry.value.text()?, &entry.value.span)));
    refuse_twins(sink, "provider.twice", "provider", names);
    let providers: Vec<Option<Provider>> = nodes.iter().map(|node| provider(node, sink)).collect();
    let channels = channel::channels(&spec);
    let people = channel::people(&spec);
    let secrets = secrets(&spec);
    if url.is_none() && !nodes.is_empty() {
        let help = "write `url: https://gateline.example.com`: providers send people back there";
        sink.error_with(
            "field.missing",
            &spec.at,
            "`url` is missing",
            Some(help.to_owned()),
        );
    }
    Some(ServerFile {
        url: url.unwrap_or_default(),
        proxies: proxies.into_iter().collect::<Option<_>>()?,
        providers: providers.into_iter().collect::<Option<_>>()?,
        channels: channels?,
        people: people?,
        secrets: secrets?,
    })
}

fn secrets(spec: &Fields<'_, '_, '_>) -> Option<Secrets> {
    let read = spec.value_or::<Secrets>("secrets", Secrets::default)?;
    let whole =
        |folder: &&String| !FilePath::new(folder).is_absolute() || FilePath::new(folder).parent().is_none();
    if let (Some(folder), Some(entry)) = (read.folders.iter().find(whole), spec.get("secrets")) {
        let help = "write a folder of its own, as in `folders: [/etc/gateline/on-call]`";
        let message = format!("`{folder}` is no absolute path of a folder that holds such secrets alone");
        spec.sink
            .error_with("secrets.folder", entry.at(), message, Some(help.to_owned()));
        return None;
    }
    Some(read)
}

fn proxy(node: &Node, sink: &Sink<'_>) -> Option<IpAddr> {
    let address = node.text().and_then(|text| text.parse().ok());
    if address.is_none() {
        let help = "write the address of each, as in `10.0.0.7`";
        sink.error_with(
            "server.proxy",
            &node.span,
            "not an IP address",
            Some(help.to_owned()),
        );
    }
    address
}

fn provider(node: &Node, sink: &Sink<'_>) -> Option<Provider> {
    let known = [
        "name",
        "title",
        "issuer",
        "client_id",
        "client_secret",
        "scopes",
        "actor",
        "groups",
    ];
    let fields = Fields::of("a provider", node, &node.span, &known, sink)?;
    let name = fields.value::<ProviderName>("name");
    if let (Some(name), Some(entry)) = (&name, fields.get("name"))
        && RESERVED.contains(&name.as_str())
    {
        let help = "choose another name";
        let message = format!("`{name}` says already how somebody signed in without a provider");
        sink.error_with("provider.name", entry.at(), message, Some(help.to_owned()));
    }
    let issuer = fields
        .required("issuer")
        .and_then(|entry| address(entry, Path::Any, sink));
    let client_id = text(&fields, "client_id", || None);
    let client_secret = fields.value_or::<Option<SecretRef>>("client_secret", || None);
    let scopes = fields.value_or::<Vec<String>>("scopes", Vec::new);
    let name_text = name.as_ref().map(|name| name.as_str().to_owned());
    let title = text(&fields, "title", || name_text);
    let actor = text(&fields, "actor", || Some("sub".to_owned()));
    let groups = fields.value_or::<Option<String>>("groups", || None);
    Some(Provider {
        name: name?,
        title: title?,
        issuer: issuer?,
        client_id: client_id?,
        client_secret: client_secret?,
        scopes: scopes?,
        actor: actor?,
        groups: groups?,
    })
}

/// A text of a person's length, or what it is without one.
fn text(fields: &Fields<'_, '_, '_>, name: &str, default: impl FnOnce() -> Option<String>) -> Option<String> {
    let Some(entry) = fields.get(name) else {
        return default().or_else(|| {
            fields.required(name);
            None
        });
    };
    let text: String = fields.read(entry)?;
    if text.trim().is_empty() || text.len() > 255 {
        let message = format!("`{name}` must have 1 to 255 characters");
        fields.sink.error("value.invalid", entry.at(), message);
        return None;
    }
    Some(text)
}

/// What may stand behind the host of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    None,
    Any,
}

/// An address that is encrypted, or on this host.
fn address(entry: &Entry, path: Path, sink: &Sink<'_>) -> Option<String> {
    let wrong = |message: String, help: &str| -> Option<String> {
        sink.error_with("server.address", place(entry), message, Some(help.to_owned()));
        None
    };
    let name = &entry.key;
    let Some(text) = entry.value.text() else {
        return wrong(format!("`{name}` must be an address"), "write `https://HOST`");
    };
    let Some((scheme, rest)) = text.split_once("://") else {
        return wrong(format!("`{name}` is not an address"), "write `https://HOST`");
    };
    let (host, behind) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let name_of = |host: &str| host.rsplit_once(':').map_or(host, |(name, _)| name).to_owned();
    let here = matches!(name_of(host).as_str(), "localhost" | "127.0.0.1" | "[::1]");
    match scheme {
        "https" => {}
        "http" if here => {}
        _ => {
            let help = "write `https://`; plain `http://` is for `localhost` only";
            return wrong(format!("`{name}` is not encrypted"), help);
        }
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    if host.is_empty() || !host.bytes().all(legal) || behind.contains(['?', '#', ' ']) {
        let help = "write scheme, host and port only, as in `https://login.example.com`";
        return wrong(format!("`{name}` has more or less than an address"), help);
    }
    if path == Path::None && !behind.is_empty() {
        let help = "Gateline is served from the root of its host; leave the path and the last `/` away";
        return wrong(format!("`{name}` has a path"), help);
    }
    Some(text.to_owned())
}

fn place(entry: &Entry) -> &Range<usize> {
    entry.at()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
apiVersion: gateline.dev/v1
kind: Server
spec:
  url: https://gateline.example.com
  proxies: [10.0.0.7, '::1']
  providers:
    - name: corp
      title: Acme
      issuer: https://login.example.com/realms/acme
      client_id: gateline
      client_secret: env:OIDC_SECRET
      scopes: [profile, groups]
      actor: preferred_username
      groups: groups
    - {name: lab, issuer: 'http://127.0.0.1:9400', client_id: gateline}
";

    fn found(text: &str) -> Vec<(usize, String)> {
        let found = read_server("gateline.yaml", text).unwrap_err().0;
        found
            .into_iter()
            .map(|one| (one.line, format!("{}: {}", one.code, one.message)))
            .collect()
    }

    #[test]
    fn a_settings_file_says_how_the_server_is_reached_and_whom_it_believes() {
        let server = read_server("gateline.yaml", GOOD).unwrap();
        assert_eq!(server.url.as_deref(), Some("https://gateline.example.com"));
        assert_eq!(server.proxies.len(), 2);
        let [corp, lab] = &server.providers[..] else {
            panic!("{server:?}")
        };
        assert_eq!(corp.client_secret, Some(SecretRef::Env("OIDC_SECRET".into())));
        assert_eq!(corp.groups.as_deref(), Some("groups"));
        assert_eq!((lab.title.as_str(), lab.actor.as_str()), ("lab", "sub"));
        assert_eq!(
            (&lab.client_secret, &lab.groups, lab.scopes.len()),
            (&None, &None, 0)
        );
        let least = "apiVersion: gateline.dev/v1\nkind: Server\nspec: {}\n";
        assert_eq!(read_server("s", least).unwrap(), ServerFile::default());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_field() {
        for (good, bad, line, says) in [
            (
                "kind: Server",
                "kind: Pipeline",
                2,
                "file.header: `kind` is not known",
            ),
            (
                "url: https://gateline.example.com",
                "url: http://gateline.example.com",
                4,
                "server.address: `url` is not encrypted",
            ),
            (
                "url: https://gateline.example.com",
                "url: https://gateline.example.com/",
                4,
                "server.address: `url` has a path",
            ),
            (
                "url: https://gateline.example.com",
                "url: gateline",
                4,
                "server.address: `url` is not an address",
            ),
            ("10.0.0.7", "10.0.0", 5, "server.proxy: not an IP address"),
            (
                "  providers",
                "  provider",
                6,
                "field.unknown: `spec` has no field `provider`",
            ),
            (
                "name: corp",
                "name: Corp",
                7,
                "name.illegal: `Corp` is not a provider name",
            ),
            (
                "name: corp",
                "name: local",
                7,
                "provider.name: `local` says already how somebody signed in without a provider",
            ),
            (
                "title: Acme",
                "titel: Acme",
                8,
                "field.unknown: a provider has no field `titel`",
            ),
            (
                "title: Acme",
                "title: ''",
                8,
                "value.invalid: `title` must have 1 to 255 characters",
            ),
            (
                "issuer: https://login.example.com/realms/acme",
                "issuer: http://login.example.com",
                9,
                "server.address: `issuer` is not encrypted",
            ),
            (
                "issuer: https://login.example.com/realms/acme",
                "issuer: https://me:x@login.example.com",
                9,
                "secret.literal: an address holds no password; this one may be taken for published",
            ),
            (
                "      client_id: gateline\n",
                "",
                7,
                "field.missing: `client_id` is missing",
            ),
            (
                "name: lab",
                "name: corp",
                15,
                "provider.twice: provider `corp` is given twice; first on line 7",
            ),
        ] {
            assert!(GOOD.contains(good), "{good}");
            let all = found(&GOOD.replacen(good, bad, 1));
            assert!(all.contains(&(line, says.to_owned())), "{bad}: {all:?}");
        }
        let nowhere = GOOD.replace("  url: https://gateline.example.com\n", "");
        assert!(
            found(&nowhere)
                .iter()
                .any(|(_, says)| says == "field.missing: `url` is missing")
        );
        assert!(found("").iter().any(|(_, says)| says.contains("file is empty")));
        assert!(found("- [").iter().any(|(_, says)| says.contains("yaml.syntax")));
    }

    #[test]
    fn a_secret_in_clear_is_refused_and_shown_to_nobody() {
        for literal in ["hunter2", "'hunter2'", "'env:'", "12345678"] {
            let text = GOOD.replace("env:OIDC_SECRET", literal);
            let err = read_server("gateline.yaml", &text).unwrap_err();
            let codes: Vec<&str> = err.0.iter().map(|one| one.code).collect();
            assert!(codes.contains(&"secret.literal"), "{codes:?}");
            let shown = err.render(&text, false);
            assert!(
                !shown.contains("hunter2") && !shown.contains("12345678"),
                "{shown}"
            );
            assert!(err.0.iter().any(|one| one.line == 11), "{shown}");
        }
        for address in [
            "mail: {server: 'smtp://g:hunter2@h', from: a@example.org}",
            "webhook: {url: 'https://g:hunter2@h/', secret: env:A}",
        ] {
            let text = format!("{GOOD}  channels: [{{name: a, {address}}}]\n");
            let err = read_server("gateline.yaml", &text).unwrap_err();
            assert!(err.0.iter().any(|one| one.code == "secret.literal"), "{address}");
            assert!(!err.render(&text, false).contains("hunter2"), "{address}");
        }
        // Not even where the file ends before it is one.
        let broken = GOOD.replace("env:OIDC_SECRET", "hunter2") + "  [";
        let shown = read_server("s", &broken).unwrap_err().render(&broken, false);
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn there_is_an_end_to_what_a_file_may_hold() {
        let many: String = (0..=PROVIDERS_MAX)
            .map(|number| {
                format!("    - {{name: p{number}, issuer: 'https://p{number}.example.com', client_id: g}}\n")
            })
            .collect();
        let text = format!(
            "apiVersion: gateline.dev/v1\nkind: Server\nspec:\n  url: https://g.example.com\n  providers:\n{many}"
        );
        assert!(
            found(&text)
                .iter()
                .any(|(_, says)| says.contains("21 providers are given; the limit is 20"))
        );
    }
}
