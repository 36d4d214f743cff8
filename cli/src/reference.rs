//! Completions, man pages and `docs/cli.md`, all from the same description of the commands.

use anyhow::{Context, Result};
use clap::Command;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood completions bash > /etc/bash_completion.d/cordwood
  cordwood completions zsh > \"${fpath[1]}/_cordwood\"
  cordwood completions fish > ~/.config/fish/completions/cordwood.fish")]
pub struct Completions {
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub struct Man {
    /// Folder to write to, such as /usr/local/share/man/man1.
    folder: PathBuf,
}

pub fn completions(options: &Completions, mut command: Command) {
    let name = command.get_name().to_owned();
    clap_complete::generate(options.shell, &mut command, name, &mut std::io::stdout());
}

/// A page for the program and one for each command.
pub fn man(options: &Man, command: Command) -> Result<()> {
    std::fs::create_dir_all(&options.folder)
        .with_context(|| format!("cannot make {}", options.folder.display()))?;
    clap_mangen::generate_to(command.disable_help_subcommand(true), &options.folder)
        .with_context(|| format!("cannot write to {}", options.folder.display()))
}

/// The reference as Markdown.
pub fn markdown(command: &Command) -> String {
    let mut text = String::from(
        "# `cordwood`\n\nWritten by `cordwood reference`; every command says the same with `--help`.\n\n",
    );
    for subcommand in visible(command) {
        let name = subcommand.get_name();
        writeln!(text, "- [`{name}`](#cordwood-{name}): {}", about(subcommand)).expect(MEMORY);
    }
    text.push_str("\nCommands that talk to a server take these too; each can also be set as the environment variable:\n\n");
    let with_server = command.find_subcommand("query").expect("there is one");
    table(with_server.get_arguments().filter(|argument| argument.is_global_set()), &mut text);
    visible(command).for_each(|subcommand| section(subcommand, "cordwood", 2, &mut text));
    text
}

const MEMORY: &str = "memory takes every byte";

fn visible(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn section(command: &Command, parent: &str, depth: usize, text: &mut String) {
    let name = format!("{parent} {}", command.get_name());
    writeln!(text, "\n{} `{name}`\n{}\n", "#".repeat(depth), about(command)).expect(MEMORY);
    let own = |argument: &&clap::Arg| {
        !["help", "version"].contains(&argument.get_id().as_str()) && !argument.is_global_set()
    };
    table(command.get_arguments().filter(own), text);
    if let Some(more) = command.get_after_help() {
        writeln!(text, "\n```text\n{}\n```", more.to_string().trim()).expect(MEMORY);
    }
    visible(command).for_each(|subcommand| section(subcommand, &name, depth + 1, text));
}

/// Nothing when there are none.
fn table<'a>(arguments: impl Iterator<Item = &'a clap::Arg>, text: &mut String) {
    let mut arguments = arguments.peekable();
    if arguments.peek().is_some() {
        text.push_str("| argument | meaning |\n|---|---|\n");
    }
    for argument in arguments {
        let help = argument.get_long_help().or_else(|| argument.get_help()).map(ToString::to_string);
        let mut help = help.unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let values = argument.get_possible_values();
        if !values.is_empty() && argument.get_action().takes_values() {
            let names: Vec<String> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
            help = format!("{help} One of {}.", names.join(", "));
        }
        let default: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !default.is_empty() && argument.get_action().takes_values() {
            help = format!("{help} Default: `{}`.", default.join(","));
        }
        if let Some(variable) = argument.get_env() {
            help = format!("{help}. Or `{}`.", variable.to_string_lossy());
        }
        writeln!(text, "| `{}` | {} |", spelled(argument), help.trim()).expect(MEMORY);
    }
}

fn spelled(argument: &clap::Arg) -> String {
    let value = || {
        let names = argument.get_value_names().unwrap_or_default();
        names.iter().map(|name| format!("<{name}>")).collect::<Vec<_>>().join(" ")
    };
    let value = if argument.get_action().takes_values() { value() } else { String::new() };
    match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long} {value}").trim_end().to_owned(),
        (_, Some(long)) => format!("--{long} {value}").trim_end().to_owned(),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_reference_in_the_docs_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
        let current = super::markdown(&crate::Arguments::command());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &current).expect("writable");
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == current, "docs/cli.md is old: run this test with UPDATE_DOCS=1");
    }

    #[test]
    fn every_command_has_a_man_page_and_every_shell_its_completions() {
        crate::Arguments::command().debug_assert();
        let folder = tempfile::tempdir().expect("a folder");
        let options = super::Man { folder: folder.path().to_owned() };
        super::man(&options, crate::Arguments::command()).expect("written");
        let page = std::fs::read_to_string(folder.path().join("cordwood-query.1")).expect("there");
        assert!(page.contains("fail\\-on\\-match"), "{page}");
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut crate::Arguments::command(), "cordwood", &mut text);
            assert!(String::from_utf8_lossy(&text).contains("fail-on-match"), "{shell}");
        }
    }
}
