//! Pictures of every page, for people to look at: `GATELINE_PICTURES=DIR cargo nextest run --run-ignored only pictures`.

use std::path::Path;

use gateline_api::{
    ApplyCalendar, CalendarRequest, DeclareFreeze, Empty, FreezeRequest, OverrideGate, OverrideRequest,
    PromotionPath, RegisterRelease,
};
use gateline_model::{PromotionId, Recurs};
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use crate::scene::{JUDGED, Scene};
use crate::support::release;
use crate::window::{Manner, NARROW, Scheme, WIDE, with_window};

#[tokio::test]
#[ignore = "takes pictures for people to look at, into the folder GATELINE_PICTURES"]
async fn pictures_of_every_page() {
    let folder = std::env::var("GATELINE_PICTURES").expect("GATELINE_PICTURES names a folder");
    let scene = Scene::held().await;
    times(&scene).await;
    scene.troubled().await;
    pictures(&scene, Path::new(&folder), "held", &scene.pages()).await;
    let question = scene
        .admin
        .promotion(&crate::support::id("production/2"))
        .await
        .unwrap()
        .decision
        .unwrap()
        .question;
    scene.approve(question).await;
    scene.judged().await;
    tokio::time::sleep(std::time::Duration::from_secs(15)).await;
    let rolling = [
        "/",
        JUDGED,
        "/promotions/payments/payment-service/production/2",
        "/stages/payments/payment-service/production",
    ];
    pictures(&scene, Path::new(&folder), "rolling", &rolling).await;
}

async fn pictures(scene: &Scene, folder: &Path, name: &str, pages: &[&str]) {
    for (word, manner) in [
        (
            "wide",
            Manner {
                height: 1_400,
                ..WIDE
            },
        ),
        (
            "wide-dark",
            Manner {
                height: 1_400,
                scheme: Scheme::Dark,
                ..WIDE
            },
        ),
        (
            "narrow",
            Manner {
                height: 2_400,
                ..NARROW
            },
        ),
        (
            "narrow-dark",
            Manner {
                height: 2_400,
                scheme: Scheme::Dark,
                ..NARROW
            },
        ),
    ] {
        with_window(manner, async |window| {
            window.log_in(&scene.origin, scene.admin.token()).await;
            for path in pages {
                window.go(&format!("{}{path}", scene.origin)).await;
                let file = format!(
                    "{name}{}-{word}.png",
                    path.replace("payments/payment-service/", "").replace('/', "-")
                );
                std::fs::write(folder.join(file), window.client.screenshot().await.unwrap()).unwrap();
            }
        })
        .await;
    }
}

/// A pipeline with windows, holidays, freezes and overrides, for the pages about times.
async fn times(scene: &Scene) {
    let days = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=WE;COUNT=60\r\nSUMMARY:Day of Prayer\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let calendar = CalendarRequest {
        project: "payments".parse().unwrap(),
        name: "bavaria".parse().unwrap(),
        text: days.to_owned(),
        written: None,
    };
    scene
        .admin
        .ask::<ApplyCalendar>(&Empty {}, &Empty {}, &calendar)
        .await
        .unwrap();
    let pipeline = r#"
apiVersion: gateline.dev/v1
kind: Pipeline
metadata: {name: ledger, project: payments}
spec:
  artifacts: [{name: service, kind: file}]
  windows:
    business-hours: {zone: Europe/Berlin, days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00", holidays: [bavaria]}
    patch-night: {zone: Europe/Berlin, days: [second tue, last thu], from: "22:00", to: "02:00"}
  stages:
    - name: test
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
      gates:
        - tests: {suite: unit}
          because: Broken code wastes the time of every later stage.
    - name: live
      production: true
      target: {command: {apply: [/bin/true], health: [/bin/true]}}
      windows: [business-hours, patch-night]
      overrides: {second_person: true}
      gates:
        - tests: {suite: unit}
          because: Broken code wastes the time of every later stage.
"#;
    scene.admin.apply(pipeline).await.unwrap();
    let now = Timestamp::now();
    let fridays =
        json!({"hours": {"zone": "Europe/Berlin", "days": ["fri"], "from": "13:00", "to": "24:00"}});
    for (name, from, until, recurs) in [
        ("fridays", 0, 24 * 90, Some(fridays)),
        ("stocktaking", 24 * 8, 24 * 11, None),
    ] {
        let freeze = FreezeRequest {
            project: "payments".parse().unwrap(),
            name: name.parse().unwrap(),
            pipeline: Some("ledger".parse().unwrap()),
            stages: Vec::new(),
            from: Some(now + from.hours()),
            until: now + until.hours(),
            recurs: recurs.map(|recurs| serde_json::from_value::<Recurs>(recurs).unwrap()),
            exempt: Vec::new(),
            applies_to_rollback: false,
            reason: "Nobody wants to work on Saturday.".to_owned(),
        };
        scene
            .admin
            .ask::<DeclareFreeze>(&Empty {}, &Empty {}, &freeze)
            .await
            .unwrap();
    }
    let mut request = release("2.0.0");
    request.of.pipeline = "ledger".parse().unwrap();
    scene
        .admin
        .ask::<RegisterRelease>(&Empty {}, &Empty {}, &request)
        .await
        .unwrap();
    for stage in ["test", "live"] {
        let promotion: PromotionId = format!("payments/ledger/{stage}/1").parse().unwrap();
        let permission = OverrideRequest {
            gate: "tests".parse().unwrap(),
            until: now + 3.hours(),
            reason: "The suite is broken, not the code.".to_owned(),
        };
        let path = PromotionPath::from(&promotion);
        scene
            .admin
            .ask::<OverrideGate>(&path, &Empty {}, &permission)
            .await
            .unwrap();
    }
}
