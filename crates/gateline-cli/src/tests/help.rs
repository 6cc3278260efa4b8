//! Every help screen, as it is printed.

use clap::{Command, CommandFactory};

use super::Gateline;

fn screens(command: &mut Command, into: &mut Vec<(String, String)>) {
    let name = command.get_bin_name().unwrap_or("gateline").to_owned();
    into.push((name, command.render_long_help().to_string()));
    let names: Vec<String> = command
        .get_subcommands()
        .map(|inner| inner.get_name().to_owned())
        .collect();
    for name in names.iter().filter(|name| *name != "help") {
        let inner = command.find_subcommand_mut(name).expect("it was just listed");
        screens(inner, into);
    }
}

#[test]
fn every_help_screen_is_as_it_was_read_last() {
    let mut command = Gateline::command().term_width(100);
    command.build();
    let mut all = Vec::new();
    screens(&mut command, &mut all);
    // Options that every verb takes are shown once, at the top.
    let (globals, _) = all[0]
        .1
        .split_once("Exit codes")
        .expect("the first screen ends with them");
    let (_, globals) = globals
        .split_once("Global options:")
        .expect("the first screen has them");
    let globals = format!("Global options:{globals}");
    let mut text = String::new();
    for (index, (name, screen)) in all.iter().enumerate() {
        let screen = if index == 0 {
            screen.clone()
        } else {
            assert!(screen.contains("Global options:"), "{name} takes them too");
            screen.replace(globals.trim_end(), "Global options: ..")
        };
        text.push_str(&format!("$ {name} --help\n{}\n\n", screen.trim_end()));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_command_tree_is_consistent() {
    Gateline::command().debug_assert();
}
