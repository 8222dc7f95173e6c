//! [`render`]: fills a template in, within bounds.

use std::io;

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter, filters,
    syntax::SyntaxConfig,
    value::{Kwargs, ValueKind},
};

use super::{NAME, TemplateError, context::NotificationValue, fields::NoField};
use crate::Notification;

/// How long a text may become.
pub(super) const OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// How much work a text may take: about one for each step, and for each 64 bytes that are handled. A group
/// of a thousand alerts with twenty fields each takes a tenth of it.
const FUEL: u64 = 500_000;

/// Loops within loops that call themselves. Nobody who means well needs more.
const DEPTH_MAX: usize = 64;

/// By how much JSON is indented at most.
const INDENT_MAX: usize = 16;

/// The engine, with the template in it.
pub(super) fn environment(source: &str, html: bool) -> Result<Environment<'static>, TemplateError> {
    let mut environment = Environment::new();
    let escape = if html { AutoEscape::Html } else { AutoEscape::None };
    environment.set_auto_escape_callback(move |_| escape.clone());
    // What may be absent is absent in silence, however deep; what cannot be there at all is an error that
    // the values give themselves.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_formatter(|out, state, value| {
        if value.kind() == ValueKind::Bool {
            // As JSON has it, from which metadata comes.
            out.write_str(if value.is_true() { "true" } else { "false" }).map_err(Error::from)
        } else if value.kind() == ValueKind::Invalid {
            Err(Error::new(ErrorKind::InvalidOperation, value.to_string()))
        } else {
            escape_formatter(out, state, value)
        }
    });
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH_MAX);
    // It tells about the engine.
    environment.remove_global("debug");
    // One may hold itself, and what prints it comes to no end; and what a loop keeps in one doubles unpaid.
    environment.remove_global("namespace");
    environment.add_filter("tojson", tojson);
    let mut syntax = SyntaxConfig::builder();
    let syntax = syntax.trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(from_engine)?);
    let added = environment.add_template_owned(NAME, source.to_owned());
    added.map_err(|error| TemplateError::syntax(error.line(), what(&error)))?;
    Ok(environment)
}

/// The engine's own, with an end to its indent.
#[expect(clippy::needless_pass_by_value, reason = "the engine calls it with values")]
fn tojson(value: &Value, indent: Option<Value>, named: Kwargs) -> Result<Value, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => named.get("indent")?,
    };
    named.assert_all_used()?;
    if let Some(indent) = &indent
        && indent.kind() != ValueKind::Bool
        && !usize::try_from(indent.clone()).is_ok_and(|indent| indent <= INDENT_MAX)
    {
        let what = format!("`tojson` indents by 0 to {INDENT_MAX} spaces, and not by {indent}");
        return Err(Error::new(ErrorKind::InvalidOperation, what));
    }
    filters::tojson(value, indent, Kwargs::from_iter::<[(&str, Value); 0]>([]))
}

/// Fills the template in.
pub(super) fn render(
    environment: &Environment<'_>,
    notification: Notification,
) -> Result<String, TemplateError> {
    let template = environment.get_template(NAME).map_err(from_engine)?;
    let context = Value::from_object(NotificationValue(notification));
    let mut output = Output::default();
    template.render_captured_to(context, &mut output).map_err(from_engine)?;
    Ok(String::from_utf8_lossy(&output.bytes).into_owned())
}

/// A text that has an end.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(bytes.len()) > OUTPUT_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn from_engine(error: Error) -> TemplateError {
    let line = error.line();
    let source = std::error::Error::source(&error);
    if let Some(no_field) = source.and_then(|source| source.downcast_ref::<NoField>()) {
        return TemplateError::unknown(line, no_field.to_string());
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "the engine's kinds may grow")]
    match error.kind() {
        ErrorKind::OutOfFuel => TemplateError::TooMuchWork,
        ErrorKind::WriteFailure => TemplateError::OutputTooLong,
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction => {
            TemplateError::unknown(line, what(&error))
        }
        _ => TemplateError::failed(line, what(&error)),
    }
}

/// What the engine says, without its kind where it says more.
fn what(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned)
}
