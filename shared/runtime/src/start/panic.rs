//! Logs panics as one JSON line without data.

use std::any::Any;
use std::panic::PanicHookInfo;

/// Replaces the usual text on standard error, which Lambda would log as several unstructured lines.
pub(super) fn install_hook() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let location = info.location().map(ToString::to_string);
        tracing::error!(
            location,
            text = fixed_text(info.payload()),
            "panic: this is a bug in the program"
        );
    }));
}

/// A panic's text if it is a literal of the program. A formatted one may quote data (`unwrap` on an `Err` does), so it is withheld:
/// the location is enough.
fn fixed_text(payload: &(dyn Any + Send)) -> &'static str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(formatted, withheld)")
}

#[cfg(test)]
mod tests {
    use super::fixed_text;

    #[test]
    fn only_a_literal_text_is_logged() {
        let literal = std::panic::catch_unwind(|| panic!("no group")).unwrap_err();
        assert_eq!(fixed_text(&*literal), "no group");
        let data = String::from("hunter2");
        let formatted = std::panic::catch_unwind(|| panic!("bad value {data}")).unwrap_err();
        assert_eq!(fixed_text(&*formatted), "(formatted, withheld)");
    }
}
