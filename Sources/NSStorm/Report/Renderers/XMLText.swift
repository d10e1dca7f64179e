/// Text made fit for XML and HTML: special characters escaped, characters that no XML may hold replaced.
enum XMLText {
  /// For a value between double quotes; line breaks become spaces.
  static func attribute(_ text: String) -> String {
    escaped(text, replacingNewlines: true)
  }

  /// For text between tags.
  static func content(_ text: String) -> String {
    escaped(text, replacingNewlines: false)
  }

  private static func escaped(_ text: String, replacingNewlines: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(replacingNewlines ? " " : scalar)
      default:
        // XML 1.0 section 2.2: other control characters and two non-characters may not stand in a document at all.
        let isForbidden = scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF
        result.unicodeScalars.append(isForbidden ? "\u{FFFD}" : scalar)
      }
    }
    return result
  }
}
