//! Pictures of every page, for people to look at: `GATELINE_PICTURES=DIR cargo nextest run --run-ignored only pictures`.

use std::path::Path;

use crate::scene::Scene;
use crate::window::{Manner, NARROW, Scheme, WIDE, with_window};

#[tokio::test]
#[ignore = "takes pictures for people to look at, into the folder GATELINE_PICTURES"]
async fn pictures_of_every_page() {
    let folder = std::env::var("GATELINE_PICTURES").expect("GATELINE_PICTURES names a folder");
    let scene = Scene::held().await;
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
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    let rolling = [
        "/",
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
