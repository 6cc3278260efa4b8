//! Making commands of rows: what people and reporters ask for.

use std::sync::Arc;

use gateline_core::{Actor, Command, Credential, Signed};
use gateline_model::{
    ActorId, Artifact, ArtifactAt, ArtifactKind, Change, ChangeKind, CoverageFacts, Digest, Evidence, Facts,
    FailedCase, FindingFacts, Found, GroupName, Key, No, Pipeline, Private, Release, Scope, Span, TestFacts,
};

use super::Script;
use super::row::{Row, ScenarioError};

impl Script<'_> {
    pub(super) fn command(&mut self, row: &Row) -> Result<(Actor, Command), ScenarioError> {
        let reason = row.get("reason").unwrap_or_default().to_owned();
        let command = match row.verb() {
            "pipeline" => self.pipeline_command(row)?,
            "policy" => self.policy_command(row)?,
            "release" => self.release_command(row)?,
            "evidence" => self.evidence_command(row)?,
            "promote" => {
                row.only(1, &["to", "by"])?;
                Command::Promote {
                    release: self.release_id(row, row.word(0, "a release")?)?,
                    stage: self.stage_ref(row, row.need("to")?)?,
                }
            }
            "rollback" => {
                row.only(1, &["by", "reason"])?;
                Command::RollBack {
                    stage: self.stage_ref(row, row.word(0, "a stage")?)?,
                    reason,
                }
            }
            "roles" => self.roles_command(row)?,
            "approve-proposal" | "reject-proposal" | "withdraw-proposal" => {
                self.proposal_command(row, reason)?
            }
            "notifications" => notifications_command(row)?,
            "approve" | "reject" | "request-changes" | "withdraw" | "ask" | "delegate" | "end-delegation" => {
                self.answer_command(row, reason)?
            }
            "enrol-key" | "revoke-key" => key_command(row, reason)?,
            "override" | "confirm-override" | "withdraw-override" | "review" => {
                self.override_command(row, reason)?
            }
            "incident" | "alert" | "lift-suspect" | "close-incident" => self.incident_command(row, reason)?,
            "calendar" => self.calendar_command(row)?,
            "resend-letter" => {
                row.only(1, &["by"])?;
                Command::ResendLetter {
                    project: self.pipeline_ref(row)?.project.clone(),
                    letter: row.parse(row.word(0, "the number of a letter")?)?,
                }
            }
            "freeze" | "lift-freeze" => self.freeze_command(row, reason)?,
            "waive" => {
                row.only(2, &["stage", "until", "ticket", "by", "reason"])?;
                let until: Span = row.parse(row.need("until")?)?;
                Command::Waive {
                    release: self.release_id(row, row.word(0, "a release")?)?,
                    finding: row.word(1, "a finding")?.to_owned(),
                    stage: row.get("stage").map(|stage| row.parse(stage)).transpose()?,
                    until: until.after(self.sim.now),
                    ticket: row.get("ticket").map(str::to_owned),
                    reason,
                }
            }
            "lift-bar" => {
                row.only(1, &["in", "by", "reason"])?;
                Command::LiftBar {
                    stage: self.stage_ref(row, row.need("in")?)?,
                    release: self.release_id(row, row.word(0, "a release")?)?,
                    reason,
                }
            }
            "advance-rollout" => {
                row.only(1, &["to", "by", "reason", "at"])?;
                Command::Advance {
                    promotion: self.promotion(row)?,
                    step: None,
                    weight: row.value("at")?,
                    reason,
                }
            }
            verb => {
                row.only(1, &["to", "by", "reason"])?;
                let promotion = self.promotion(row)?;
                match verb {
                    "abort" => Command::Abort { promotion, reason },
                    "pause" => Command::Pause { promotion, reason },
                    _ => Command::Resume { promotion, reason },
                }
            }
        };
        Ok((actor(row)?, command))
    }

    fn policy_command(&self, row: &Row) -> Result<Command, ScenarioError> {
        row.only(1, &["by"])?;
        let rules = row.body.as_deref().unwrap_or_default();
        Ok(Command::ApplyPolicy {
            project: self.pipeline_ref(row)?.project.clone(),
            name: row.parse(row.word(0, "a name")?)?,
            module: Digest::of(rules.as_bytes()),
            written: None,
        })
    }

    fn pipeline_command(&mut self, row: &Row) -> Result<Command, ScenarioError> {
        row.only(1, &["by"])?;
        let text = match &row.body {
            Some(body) => body.clone(),
            None => {
                let file = row.word(0, "a file, or a text from `<<END` to `END`")?;
                std::fs::read_to_string(self.dir.join(file)).map_err(|err| {
                    row.error(
                        format!("cannot read `{file}`: {err}"),
                        "name a file beside the scenario",
                    )
                })?
            }
        };
        let read = gateline_spec::read("pipeline", &text).map_err(|found| {
            row.error(
                format!("the pipeline is wrong:\n{}", found.render(&text, false)),
                "mend it",
            )
        })?;
        self.pipeline = Some(read.pipeline.reference());
        Ok(Command::ApplyPipeline {
            pipeline: Arc::new(read.pipeline),
            source: Digest::of(text.as_bytes()),
            written: None,
        })
    }

    fn roles_command(&mut self, row: &Row) -> Result<Command, ScenarioError> {
        row.only(0, &["by"])?;
        let text = row.body.clone().unwrap_or_default();
        let read = gateline_spec::read_roles("roles", &text).map_err(|found| {
            let says = format!("the roles are wrong:\n{}", found.render(&text, false));
            row.error(says, "mend them")
        })?;
        Ok(Command::ApplyRoles {
            roles: Arc::new(read.roles),
            source: Digest::of(text.as_bytes()),
            written: None,
        })
    }

    fn answer_command(&mut self, row: &Row, reason: String) -> Result<Command, ScenarioError> {
        row.only(
            1,
            &[
                "to",
                "by",
                "groups",
                "comment",
                "seen",
                "reason",
                "who",
                "team",
                "until",
                "key",
                "counter",
                "statement",
            ],
        )?;
        if row.verb() == "delegate" {
            let lasts: Span = row.parse(row.need("until")?)?;
            return Ok(Command::Delegate {
                project: self.pipeline_ref(row)?.project.clone(),
                to: row.parse(row.need("to")?)?,
                team: row.get("team").map(|team| row.parse(team)).transpose()?,
                from: None,
                until: lasts.after(self.sim.now),
                reason,
            });
        }
        if row.verb() == "end-delegation" {
            return Ok(Command::EndDelegation {
                project: self.pipeline_ref(row)?.project.clone(),
                by: actor(row)?.id,
                to: row.parse(row.need("to")?)?,
            });
        }
        let promotion = self.promotion(row)?;
        let question = row.get("seen").map(|seen| Digest::of(seen.as_bytes()));
        let signed = signed(row)?;
        Ok(match row.verb() {
            "approve" => Command::Approve {
                promotion,
                question,
                comment: row.get("comment").map(str::to_owned),
                signed,
            },
            "withdraw" => Command::Withdraw { promotion, reason },
            "ask" => Command::AskPerson {
                promotion,
                who: row.parse(row.need("who")?)?,
            },
            word => Command::Refuse {
                promotion,
                no: if word == "reject" {
                    No::Reject
                } else {
                    No::RequestChanges
                },
                question,
                reason,
                signed,
            },
        })
    }

    /// The token by which somebody is in the groups that a row names, where it was not issued yet.
    pub(super) fn token_for_groups(&self, row: &Row) -> Result<Option<Command>, ScenarioError> {
        if row.get("groups").is_none() {
            return Ok(None);
        }
        let actor: ActorId = row.parse(row.need("by")?)?;
        let groups: Vec<GroupName> = listed(row, "groups")?;
        let project = self.sim.book.world.project(&gateline_core::server_project());
        let mut tokens = project.iter().flat_map(|project| project.tokens.values());
        if tokens.any(|token| token.actor == actor && token.groups == groups) {
            return Ok(None);
        }
        let names: Vec<&str> = groups.iter().map(GroupName::as_str).collect();
        let id = format!("{actor}-{}", names.join("-"));
        Ok(Some(Command::IssueToken {
            id: row.parse(&id)?,
            hash: Digest::of(id.as_bytes()),
            actor,
            scopes: vec![Scope::Approve],
            groups,
            expires: None,
        }))
    }

    fn release_command(&self, row: &Row) -> Result<Command, ScenarioError> {
        row.only(
            3,
            &["kind", "by", "label", "built", "written-by", "paths", "lines"],
        )?;
        let of = self.pipeline_ref(row)?.clone();
        let version = row.parse(row.word(0, "a version")?)?;
        let pipeline = self
            .sim
            .book
            .world
            .project(&of.project)
            .and_then(|project| project.pipeline(&of.pipeline));
        let kind = match row.get("kind") {
            Some(word) => serde_json::from_value::<ChangeKind>(word.into()).map_err(|_| {
                row.error(
                    format!("`{word}` is no kind of change"),
                    "write fix, hotfix, feature, config, ..",
                )
            })?,
            None => ChangeKind::Feature,
        };
        let mut labels = std::collections::BTreeMap::new();
        if let Some((key, value)) = row.get("label").and_then(|label| label.split_once(':')) {
            labels.insert(key.to_owned(), value.to_owned());
        }
        let build = row.get("built").unwrap_or_default();
        let release = Release {
            artifacts: artifacts(pipeline.map(|pipeline| &**pipeline), &version, build),
            of,
            version,
            change: Change {
                kind,
                breaking: row.has("breaking"),
                irreversible: row.has("irreversible"),
                labels,
                written_by: listed(row, "written-by")?,
                paths: row
                    .get("paths")
                    .into_iter()
                    .flat_map(|paths| paths.split(','))
                    .map(str::to_owned)
                    .collect(),
                lines_changed: row.value("lines")?,
                ..Change::default()
            },
            text: Digest::of(b""),
        };
        Ok(Command::RegisterRelease {
            release: Arc::new(release),
            text: Private::default(),
        })
    }

    fn evidence_command(&self, row: &Row) -> Result<Command, ScenarioError> {
        let version = row.word(0, "a release")?;
        let what = row.word(1, "`tests`, `coverage`, `sarif` or `facts`")?;
        let (format, facts) = reported(row, what)?;
        let found = match row.get("errored") {
            Some(reason) => Found::Errored {
                reason: reason.to_owned(),
                of: Some(facts.kind().to_owned()),
                from: Vec::new(),
            },
            None => Found::Facts { facts },
        };
        let id = self.release_id(row, version)?;
        let about = self.release_id(row, row.get("about").unwrap_or(version))?;
        let artifacts = self.sim.book.world.release(&about).map(|state| {
            state
                .release
                .artifacts
                .iter()
                .map(|artifact| artifact.at.digest())
                .collect()
        });
        let evidence = Evidence {
            artifacts: artifacts.unwrap_or_else(|| vec![about]),
            stage: row.value("stage")?,
            name: row.get("suite").or(row.get("name")).map(str::to_owned),
            found,
            raw: Some(Digest::of_json(&(&row.text, &row.body))),
            format: format.to_owned(),
            warnings: Vec::new(),
            by: actor(row)?.id,
            at: self.sim.now,
        };
        Ok(Command::SubmitEvidence {
            release: id,
            evidence: Arc::new(evidence),
        })
    }
}

/// Facts as a row writes them, and the format that they would have come in.
fn reported(row: &Row, what: &str) -> Result<(&'static str, Facts), ScenarioError> {
    let count = |key: &str| Ok(row.value::<u64>(key)?.unwrap_or(0));
    Ok(match what {
        "tests" => {
            row.only(
                2,
                &["passed", "failed", "skipped", "suite", "errored", "about", "by"],
            )?;
            let (passed, failed, skipped) = (count("passed")?, count("failed")?, count("skipped")?);
            let first = (failed > 0).then(|| FailedCase {
                name: "pays_twice".to_owned(),
                file: None,
                line: None,
                message: "expected 1, found 2".to_owned(),
            });
            let facts = TestFacts {
                total: passed + failed + skipped,
                passed,
                failed,
                skipped,
                failed_cases: first.into_iter().collect(),
                ..TestFacts::default()
            };
            ("junit", Facts::Tests(facts))
        }
        "coverage" => {
            row.only(2, &["lines", "branches", "name", "errored", "about", "by"])?;
            let percent = |key: &str| {
                row.get(key)
                    .map(|text| row.parse::<u64>(text.trim_end_matches('%')))
                    .transpose()
            };
            let branches = percent("branches")?;
            let facts = CoverageFacts {
                files: 1,
                lines_total: 100,
                lines_hit: percent("lines")?.unwrap_or(0),
                branches_total: branches.map(|_| 100),
                branches_hit: branches,
                ..CoverageFacts::default()
            };
            ("lcov", Facts::Coverage(facts))
        }
        "sarif" => {
            row.only(
                2,
                &["errors", "warnings", "notes", "name", "errored", "about", "by"],
            )?;
            let facts = FindingFacts {
                tools: vec!["semgrep".to_owned()],
                runs: 1,
                errors: count("errors")?,
                warnings: count("warnings")?,
                notes: count("notes")?,
                high: count("errors")?,
                medium: count("warnings")?,
                low: count("notes")?,
                ..FindingFacts::default()
            };
            ("sarif", Facts::Findings(facts))
        }
        // Any other kind is written as it is stored: JSON with its `kind`.
        "facts" => {
            row.only(2, &["name", "stage", "errored", "about", "by"])?;
            let facts: Facts =
                serde_json::from_str(row.body.as_deref().unwrap_or_default()).map_err(|err| {
                    row.error(
                        format!("the facts cannot be read: {err}"),
                        "write them as stored between `<<END` and `END`, as in {\"kind\": \"sbom\", ..}",
                    )
                })?;
            ("facts", facts)
        }
        other => {
            return Err(row.error(
                format!("`{other}` is no kind of evidence"),
                "write `tests`, `coverage`, `sarif`, or `facts <<END` with JSON",
            ));
        }
    })
}

/// A key to enrol or to revoke, called by its fingerprint.
fn key_command(row: &Row, reason: String) -> Result<Command, ScenarioError> {
    row.only(1, &["by", "tier", "counter", "reason"])?;
    let fingerprint = row.word(0, "a key")?.to_owned();
    if row.verb() == "revoke-key" {
        return Ok(Command::RevokeKey { fingerprint, reason });
    }
    let word = row.get("tier").unwrap_or("passkey");
    let tier = serde_json::from_value(word.into())
        .map_err(|_| row.error(format!("`{word}` is no tier"), "write passkey or ssh"))?;
    let key = Key {
        public: format!("public half of {fingerprint}"),
        fingerprint,
        actor: row.parse(row.need("by")?)?,
        tier,
        label: String::new(),
        counter: row.value("counter")?.unwrap_or(0),
        synced: false,
    };
    Ok(Command::EnrolKey { key })
}

/// The signature of an answer; a new one for each row, unless it says which.
pub(super) fn signed(row: &Row) -> Result<Option<Signed>, ScenarioError> {
    let Some(key) = row.get("key") else {
        return Ok(None);
    };
    let new = format!("{} {}", row.line, row.text);
    let statement = Digest::of(row.get("statement").unwrap_or(&new).as_bytes());
    Ok(Some(Signed {
        key: key.to_owned(),
        statement,
        proof: statement,
        counter: row.value("counter")?,
    }))
}

/// A list of names, with commas.
pub(super) fn listed<T>(row: &Row, key: &str) -> Result<Vec<T>, ScenarioError>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let names = row.get(key).into_iter().flat_map(|names| names.split(','));
    names.map(|name| row.parse(name)).collect()
}

/// One artifact for each that the pipeline asks for; `build` tells builds of one version apart.
fn artifacts(pipeline: Option<&Pipeline>, version: &gateline_model::Version, build: &str) -> Vec<Artifact> {
    let wanted = pipeline
        .map(|pipeline| &pipeline.artifacts[..])
        .unwrap_or_default();
    let made = wanted.iter().map(|spec| {
        let digest = Digest::of(format!("{version}{build}/{}", spec.name).as_bytes());
        let at = match spec.kind {
            ArtifactKind::Oci => ArtifactAt::Oci {
                repository: format!("registry.example/{}", spec.name),
                digest,
            },
            ArtifactKind::File => ArtifactAt::File {
                path: format!("/build/{}", spec.name),
                digest,
            },
            ArtifactKind::Git => ArtifactAt::Git {
                url: format!("https://git.example/{}", spec.name),
                commit: digest.hex()[..40].to_owned(),
            },
        };
        Artifact {
            name: spec.name.clone(),
            at,
        }
    });
    made.collect()
}

fn notifications_command(row: &Row) -> Result<Command, ScenarioError> {
    row.only(0, &["by"])?;
    let text = row.body.clone().unwrap_or_default();
    let read = gateline_spec::read_notifications("notifications", &text).map_err(|found| {
        let says = format!("the notifications are wrong:\n{}", found.render(&text, false));
        row.error(says, "mend them")
    })?;
    Ok(Command::ApplyNotifications {
        notifications: Arc::new(read.notifications),
        source: Digest::of(text.as_bytes()),
        written: None,
    })
}

/// Who asks: a reporter where nobody is named for evidence, `ana` elsewhere.
fn actor(row: &Row) -> Result<Actor, ScenarioError> {
    let nobody = if row.verb() == "evidence" || row.verb() == "release" {
        "ci"
    } else {
        "ana"
    };
    let mut scopes = Scope::ALL.to_vec();
    scopes.retain(|scope| *scope != Scope::Admin || row.verb() == "roles");
    Ok(Actor {
        id: row.parse(row.get("by").unwrap_or(nobody))?,
        name: None,
        shown: Credential::Token(scopes),
    })
}
