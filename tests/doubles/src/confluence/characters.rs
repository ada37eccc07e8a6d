//! The characters and references of storage format: those of XML 1.0, and the entities of XHTML 1.0 without declaration
//! (<https://www.w3.org/TR/xhtml1/dtds.html#h-A2>).

/// An attribute's value: references are allowed, tags are not.
pub(super) fn value(value: &str) -> Result<(), String> {
    if value.contains('<') {
        return Err("Unexpected character '<' (code 60) in attribute value".to_owned());
    }
    for after in value.split('&').skip(1) {
        let (name, _) = after.split_once(';').ok_or("Unclosed reference in attribute value")?;
        reference(name)?;
    }
    characters(value)
}

/// A reference, without `&` and `;`.
pub(super) fn reference(name: &str) -> Result<(), String> {
    let Some(number) = name.strip_prefix('#') else {
        return if known(name) {
            Ok(())
        } else {
            Err(format!("Undeclared general entity \"{name}\""))
        };
    };
    let code = match number.strip_prefix('x') {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => number.parse(),
    };
    match code.ok().and_then(char::from_u32).filter(|&character| legal(character)) {
        Some(_) => Ok(()),
        None => Err(format!("Illegal character entity: expansion character (code {number})")),
    }
}

/// Checks for characters that XML does not allow.
pub(super) fn characters(text: &str) -> Result<(), String> {
    match text.chars().find(|&character| !legal(character)) {
        Some(character) => Err(format!(
            "Illegal character ((CTRL-CHAR, code {}))",
            u32::from(character)
        )),
        None => Ok(()),
    }
}

/// XML 1.0's `Char`.
fn legal(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether storage format allows this entity.
fn known(name: &str) -> bool {
    NAMES.split(' ').any(|known| known == name)
}

const NAMES: &str = "\
    quot amp lt gt nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 \
    sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml \
    Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml \
    times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil \
    egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash \
    ugrave uacute ucirc uuml yacute thorn yuml OElig oelig Scaron scaron Yuml fnof circ tilde Alpha Beta Gamma Delta \
    Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho Sigma Tau Upsilon Phi Chi Psi Omega alpha beta \
    gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi \
    psi omega thetasym upsih piv ensp emsp thinsp zwnj zwj lrm rlm ndash mdash lsquo rsquo sbquo ldquo rdquo bdquo \
    dagger Dagger bull hellip permil prime Prime lsaquo rsaquo oline frasl euro image weierp real trade alefsym larr \
    uarr rarr darr harr crarr lArr uArr rArr dArr hArr forall part exist empty nabla isin notin ni prod sum minus \
    lowast radic prop infin ang and or cap cup int there4 sim cong asymp ne equiv le ge sub sup nsub sube supe oplus \
    otimes perp sdot lceil rceil lfloor rfloor lang rang loz spades clubs hearts diams apos";
