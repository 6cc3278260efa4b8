//! `cargo xtask tidy`: what no compiler checks. Each rule is one file; all of them are always run.
//!
//! The rules are also a test of this crate, so that the test run holds no secret checks.

mod dependencies;
mod doors;
mod examples;
mod forbidden;
mod functions;
mod heads;
mod imports;
mod links;
mod pages;
mod sources;
mod threats;
mod words;

use sources::Sources;

/// One rule: reads the sources, tells what is wrong as `PLACE: WHAT`.
struct Rule {
    name: &'static str,
    find: fn(&Sources) -> Vec<String>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "dependencies",
        find: dependencies::find,
    },
    Rule {
        name: "doors",
        find: doors::find,
    },
    Rule {
        name: "examples",
        find: examples::find,
    },
    Rule {
        name: "forbidden",
        find: forbidden::find,
    },
    Rule {
        name: "functions",
        find: functions::find,
    },
    Rule {
        name: "heads",
        find: heads::find,
    },
    Rule {
        name: "imports",
        find: imports::find,
    },
    Rule {
        name: "links",
        find: links::find,
    },
    Rule {
        name: "pages",
        find: pages::find,
    },
    Rule {
        name: "threats",
        find: threats::find,
    },
    Rule {
        name: "words",
        find: words::find,
    },
];

pub fn run(args: &[String]) -> Result<(), String> {
    crate::refuse_args(args)?;
    let sources = Sources::read(crate::root())?;
    let found: Vec<String> = RULES
        .iter()
        .flat_map(|rule| {
            (rule.find)(&sources)
                .into_iter()
                .map(|wrong| format!("{wrong} [{}]", rule.name))
        })
        .collect();
    if found.is_empty() {
        println!("tidy: {} files hold {} rules", sources.len(), RULES.len());
        return Ok(());
    }
    Err(format!(
        "{} places are not tidy:\n  {}",
        found.len(),
        found.join("\n  ")
    ))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_is_tidy() {
        if let Err(wrong) = super::run(&[]) {
            panic!("{wrong}");
        }
    }
}
