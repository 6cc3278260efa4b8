//! Real registries, each on a port of its own: Debian's docker-registry, which keeps no list of referrers, and
//! ferro-oci-server, which does. What is pushed to them is pushed as the distribution specification asks of a client.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use gateline_drivers::oci::{Attached, attached};
use gateline_model::{Digest, Registry, SecretRef, Span};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scene::{Guard, free_address, until};

/// `hunter2`, as `htpasswd -B` writes it.
const HTPASSWD: &str = "$2b$04$dC8bFBY6C7iqSSO3i7cyheLr1ArqZAk5DEvjVaq0IZz9ZayoKTp1C";

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Which registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// docker-registry: what refers to an image stands in an index behind a tag.
    ByTag,
    /// ferro-oci-server: it lists what refers to an image.
    ByList,
}

/// A registry that runs until it is dropped.
pub struct Running {
    pub address: SocketAddr,
    sort: Sort,
    client: Client,
    user: Option<(&'static str, &'static str)>,
    dir: TempDir,
    _process: Guard,
}

impl Running {
    pub async fn start(sort: Sort) -> Running {
        Running::start_with(sort, None).await
    }

    /// One that asks for a password.
    pub async fn locked() -> Running {
        Running::start_with(Sort::ByTag, Some(("me", "hunter2"))).await
    }

    async fn start_with(sort: Sort, user: Option<(&'static str, &'static str)>) -> Running {
        gateline_drivers::install_crypto();
        let (address, dir) = (free_address(), tempfile::tempdir().unwrap());
        let mut command = match sort {
            Sort::ByTag => docker_registry(address, dir.path(), user),
            Sort::ByList => {
                let mut command = Command::new("ferro-oci-server");
                command.env("FERRO_OCI_LISTEN", address.to_string());
                command.env("FERRO_OCI_STORAGE_DIR", dir.path());
                command
            }
        };
        let started = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = started
            .spawn()
            .unwrap_or_else(|err| panic!("{command:?}: {err}; run `cargo xtask test --only install`"));
        let running = Running {
            address,
            sort,
            client: Client::builder().build().unwrap(),
            user,
            dir,
            _process: Guard(process),
        };
        until(|| async { running.get("").await.is_ok() }).await;
        running
    }

    async fn get(&self, path: &str) -> reqwest::Result<Response> {
        let asked = self.client.get(format!("http://{}/v2/{path}", self.address));
        // Without it a registry may give one of an index's manifests in place of the index.
        asked.header("accept", INDEX).send().await
    }

    /// Pushes an image by skopeo. Its digest.
    pub fn push_image(&self, version: &str) -> Digest {
        let layout = self.dir.path().join(format!("layout-{version}"));
        let blobs = layout.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        let put = |bytes: &[u8]| {
            let digest = Digest::of(bytes);
            std::fs::write(blobs.join(digest.hex()), bytes).unwrap();
            digest
        };
        let config =
            json!({"architecture": "amd64", "os": "linux", "config": {"Labels": {"version": version}},
            "rootfs": {"type": "layers", "diff_ids": []}})
            .to_string();
        let manifest = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": put(config.as_bytes()), "size": config.len()},
            "layers": []})
        .to_string();
        let digest = put(manifest.as_bytes());
        let index = json!({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest, "size": manifest.len(), "annotations": {"org.opencontainers.image.ref.name": version}}]});
        std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
        std::fs::write(layout.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").unwrap();
        let mut skopeo = Command::new("skopeo");
        skopeo.args([
            "copy",
            "--insecure-policy",
            "--preserve-digests",
            "--dest-tls-verify=false",
        ]);
        if let Some((user, password)) = self.user {
            skopeo.args(["--dest-creds", &format!("{user}:{password}")]);
        }
        skopeo.arg(format!("oci:{}:{version}", layout.display()));
        skopeo.arg(format!("docker://{}/shop/app:{version}", self.address));
        let ended = skopeo
            .output()
            .unwrap_or_else(|err| panic!("skopeo: {err}; run `cargo xtask test --only install`"));
        assert!(
            ended.status.success(),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        digest
    }

    /// Attaches a manifest with one layer to an image, and lists it behind the tag where the registry keeps no list.
    pub async fn attach(&self, image: &Digest, media_type: &str, content: &[u8]) {
        let subject =
            json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": image, "size": 1});
        let mut manifest = self.manifest(media_type, content, json!({})).await;
        manifest["subject"] = subject;
        manifest["artifactType"] = media_type.into();
        let text = manifest.to_string();
        let digest = Digest::of(text.as_bytes());
        let answer = self.put_manifest(&digest.to_string(), &text).await;
        let listed = answer.headers().contains_key("oci-subject");
        assert_eq!(
            listed,
            self.sort == Sort::ByList,
            "it is another sort of registry than it is taken for"
        );
        if listed {
            return;
        }
        let tag = format!("sha256-{}", image.hex());
        let before = self.get(&format!("shop/app/manifests/{tag}")).await.unwrap();
        let mut index: Value = match before.status() {
            StatusCode::OK => serde_json::from_slice(&before.bytes().await.unwrap()).unwrap(),
            _ => {
                json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []})
            }
        };
        index["manifests"].as_array_mut().unwrap().push(json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": text.len(), "artifactType": media_type,
        }));
        self.put_manifest(&tag, &index.to_string()).await;
    }

    /// Pushes a manifest with one layer behind one of cosign's tags.
    pub async fn tag(
        &self,
        image: &Digest,
        ending: &str,
        media_type: &str,
        content: &[u8],
        annotations: Value,
    ) {
        let manifest = self.manifest(media_type, content, annotations).await;
        let tag = format!("sha256-{}{ending}", image.hex());
        self.put_manifest(&tag, &manifest.to_string()).await;
    }

    async fn manifest(&self, media_type: &str, content: &[u8], annotations: Value) -> Value {
        let (config, layer) = (self.put_blob(b"{}").await, self.put_blob(content).await);
        json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
            "layers": [{"mediaType": media_type, "digest": layer, "size": content.len(), "annotations": annotations}]})
    }

    async fn put_blob(&self, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        let begun = self
            .client
            .post(format!("http://{}/v2/shop/app/blobs/uploads/", self.address));
        let begun = begun.send().await.unwrap();
        let to = begun.headers()["location"].to_str().unwrap().to_owned();
        let mut to = reqwest::Url::parse(&format!("http://{}", self.address))
            .unwrap()
            .join(&to)
            .unwrap();
        to.query_pairs_mut().append_pair("digest", &digest.to_string());
        let put = self
            .client
            .put(to)
            .header("content-type", "application/octet-stream");
        let put = put.body(content.to_vec()).send().await.unwrap();
        assert_eq!(put.status(), StatusCode::CREATED);
        digest
    }

    async fn put_manifest(&self, reference: &str, text: &str) -> Response {
        let of: Value = serde_json::from_str(text).unwrap();
        let put = self
            .client
            .put(format!(
                "http://{}/v2/shop/app/manifests/{reference}",
                self.address
            ))
            .header("content-type", of["mediaType"].as_str().unwrap());
        let put = put.body(text.to_owned()).send().await.unwrap();
        assert_eq!(put.status(), StatusCode::CREATED, "{reference}");
        put
    }

    /// What the driver finds.
    pub async fn look(&self, image: &Digest) -> Attached {
        let (registry, repository) = self.registry();
        attached(&registry, &repository, image).await.unwrap()
    }

    /// The registry as a pipeline declares it, and the repository in it.
    pub fn registry(&self) -> (Registry, String) {
        let registry = Registry {
            registry: self.address.to_string(),
            transport: None,
            username: None,
            password: None,
            timeout: Span::from_secs(20),
        };
        (registry, format!("{}/shop/app", self.address))
    }

    /// The same with the password, which lies in a file.
    pub fn with_password(&self) -> (Registry, String) {
        let file = self.dir.path().join("password");
        std::fs::write(&file, "hunter2\n").unwrap();
        let (registry, repository) = self.registry();
        let registry = Registry {
            username: Some("me".to_owned()),
            password: Some(SecretRef::File(file.display().to_string())),
            ..registry
        };
        (registry, repository)
    }
}

fn docker_registry(address: SocketAddr, dir: &Path, user: Option<(&str, &str)>) -> Command {
    let auth = match user {
        Some((user, _)) => {
            let file = dir.join("htpasswd");
            std::fs::write(&file, format!("{user}:{HTPASSWD}\n")).unwrap();
            format!("auth: {{htpasswd: {{realm: tests, path: {}}}}}\n", file.display())
        }
        None => String::new(),
    };
    let config = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{address}'}}\n{auth}",
        dir.join("data").display()
    );
    let file = dir.join("config.yml");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(file);
    command
}
