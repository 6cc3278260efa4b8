//! Proxies that lie, trickle and break off: nothing is concluded from what they say, and nobody hangs.

use std::path::Path;

use gateline_drivers::{Observed, StepErrorKind};
use gateline_model::{EnvoySettings, HaproxySettings, OtherProxy, ProcessTarget, Proxy, StepAction};
use test_case::test_case;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

use crate::scene::{Scene, bounded, expose};

/// What a liar says to a command or path, whatever that is, and whether it then closes the connection.
#[derive(Debug, Clone, Copy)]
enum Says {
    /// This, to everything.
    This(&'static str),
    /// This to what contains the word, and what is right to everything else.
    To(&'static str, &'static str),
    /// A little, again and again, for ever.
    Trickle,
    Nothing,
}

const SERVERS: &str = "1\n# be_id srv_name srv_addr srv_admin_state srv_port\n1 a 127.0.0.1 0 4001\n\n";
const STAT: &str = "# pxname,svname,scur,stot,econ,eresp,hrsp_5xx\nshop_stable,BACKEND,0,1,0,0,0\nshop_canary,BACKEND,0,1,0,0,0\n\n";

fn haproxy_says(asked: &str) -> &'static str {
    match asked {
        asked if asked.contains("show map") => "0x1 share 5\n0x2 stable a\n\n",
        asked if asked.contains("show stat") => STAT,
        asked if asked.contains("show info") => "Start_time_sec: 5\n\n",
        _ => SERVERS,
    }
}

fn envoy_says(asked: &str) -> &'static str {
    match asked {
        asked if asked.contains("server_info") => r#"{"uptime_current_epoch": "5s"}"#,
        asked if asked.contains("config_dump") => r#"{"configs": []}"#,
        asked if asked.contains("clusters") => {
            r#"{"cluster_statuses": [{"name": "shop_stable"}, {"name": "shop_canary"}]}"#
        }
        _ => "",
    }
}

async fn lie(
    mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin,
    says: Says,
    right: fn(&str) -> &'static str,
    wrap: fn(&str) -> String,
) {
    let mut asked = vec![0; 4_096];
    let read = stream.read(&mut asked).await.unwrap_or(0);
    let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
    let text = match says {
        Says::This(text) => text,
        Says::To(word, text) if asked.contains(word) => text,
        Says::To(..) => right(&asked),
        Says::Nothing => return,
        Says::Trickle => {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n")
                .await;
            while stream.write_all(b"1").await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            return;
        }
    };
    let _ = stream.write_all(wrap(text).as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn unix_liar(path: &Path, says: Says, right: fn(&str) -> &'static str) {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(lie(stream, says, right, str::to_owned));
        }
    });
}

async fn observed(scene: &Scene, target: &ProcessTarget, says: &str) {
    for step in [
        expose(5),
        StepAction::Withdraw,
        StepAction::Finish,
        StepAction::Stop,
    ] {
        let order = scene.order(target, "1.1.0", Some("1.0.0"), step);
        let seen = scene.driver().observe(&order).await;
        assert!(
            matches!(&seen, Observed::Unknown(why) if why.contains(says)),
            "{step}: {seen:?}"
        );
    }
    let err = scene
        .driver()
        .measure(&scene.view(target, "1.1.0"))
        .await
        .unwrap_err();
    assert!(err.why.contains(says), "{err}");
    assert_eq!(err.kind, StepErrorKind::Unknown);
}

#[test_case(Says::This("hello\n"), "cannot be understood"; "another program")]
#[test_case(Says::This(""), "no answer that can be read"; "an empty answer")]
#[test_case(Says::To("show stat", "# pxname,svname,sc"), "no answer that can be read"; "an answer that breaks off")]
#[test_case(Says::To("show stat", "# pxname,svname\na,b\n\n"), "the statistic `scur` is missing"; "statistics without what counts")]
#[test_case(Says::To("show stat", "# pxname,svname,scur,stot,econ,eresp,hrsp_5xx\nother,BACKEND,0,1,0,0,0\n\n"), "no statistics of `shop_stable`"; "another configuration")]
#[test_case(Says::To("show map", "Unknown map identifier.\n\n"), "no such map"; "no such map")]
#[test_case(Says::To("show map", "0x1 share many\n0x2 stable a\n\n"), "is no per cent"; "a share that is no number")]
#[test_case(Says::To("servers state", "1\n# srv_name\na\n\n"), "the column `srv_addr` is missing"; "servers without addresses")]
#[test_case(Says::To("show info", "Name: HAProxy\n\n"), "does not tell its `Start_time_sec`"; "no start")]
#[test_case(Says::Trickle, "no answer that can be read"; "a trickle")]
#[tokio::test]
async fn of_a_haproxy_that_lies_nothing_is_known(says: Says, told: &str) {
    bounded(async {
        let scene = Scene::new().await;
        let socket = scene.dir.path().join("haproxy.sock");
        unix_liar(&socket, says, haproxy_says);
        let mut target = scene.target();
        target.proxy = Proxy::Other(OtherProxy::Haproxy(HaproxySettings {
            socket: socket.display().to_string(),
            backend: "shop".parse().unwrap(),
            map: "/tmp/no.map".parse().unwrap(),
            state_file: None,
        }));
        observed(&scene, &target, told).await;
    })
    .await;
}

#[test_case(Says::This("<html>login</html>"), "cannot be understood"; "a page for people")]
#[test_case(Says::To("server_info", r#"{"uptime_current_epoch": "soon"}"#), "does not tell how long it runs"; "no start")]
#[test_case(Says::To("config_dump", r#"{"configs": ["#), "cannot be understood"; "an answer that breaks off")]
#[test_case(Says::To("config_dump", r#"{"configs": [{"route_config": {"name": "shop", "virtual_hosts": [{"routes": [{"route": {"cluster": "other"}}]}]}}]}"#), "not one that was written here"; "somebody else's routes")]
#[test_case(Says::To("clusters", r#"{"cluster_statuses": []}"#), "has no cluster `shop_stable`"; "another configuration")]
#[test_case(Says::To("clusters", r#"{"cluster_statuses": [{"name": "shop_stable", "host_statuses": [{"address": {"socket_address": {"address": "127.0.0.1", "port_value": 1}}, "stats": [{"name": "rq_total", "value": "many"}]}]}]}"#), "a count is no number"; "a word for a number")]
#[test_case(Says::To("completed", "envoy_cluster_upstream_rq_completed{envoy_cluster_name=\"shop_stable\"} 0.5\n"), "no count"; "half a request")]
#[test_case(Says::To("time", "a{le=\"1\"} 5 6 7\n"), "cannot be understood"; "a page that does not read")]
#[test_case(Says::Nothing, "no answer"; "a connection that is closed")]
#[test_case(Says::Trickle, "did not finish its answer"; "a trickle")]
#[tokio::test]
async fn of_an_envoy_that_lies_nothing_is_known(says: Says, told: &str) {
    bounded(async {
        let scene = Scene::new().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let wrap =
                    |text: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len());
                tokio::spawn(lie(stream, says, envoy_says, wrap));
            }
        });
        let mut target = scene.target();
        target.proxy = Proxy::Other(OtherProxy::Envoy(EnvoySettings {
            admin,
            folder: scene.dir.path().display().to_string(),
            route: "shop".parse().unwrap(),
        }));
        observed(&scene, &target, told).await;
    })
    .await;
}

#[test_case(Says::This("hello\n"), "gave no answer"; "another program")]
#[test_case(Says::This("{\"view\":"), "gave no answer"; "an answer that breaks off")]
#[test_case(Says::Trickle, "gave no answer"; "a trickle")]
#[tokio::test]
async fn of_a_proxy_of_ours_that_lies_nothing_is_known(says: Says, told: &str) {
    bounded(async {
        let scene = Scene::new().await;
        let socket = scene.dir.path().join("liar.sock");
        unix_liar(&socket, says, |_| "");
        let mut target = scene.target();
        target.proxy = Proxy::Own(socket.display().to_string());
        observed(&scene, &target, told).await;
    })
    .await;
}
