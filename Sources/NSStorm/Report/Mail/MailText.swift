/// Plain text in the lists' width.
enum MailText {
  static let width = 72

  static func heading(_ title: String) -> String {
    title + "\n" + String(repeating: "-", count: title.count)
  }

  /// Breaks lines at spaces; words longer than a line stay whole, so that commands can be copied.
  static func wrapped(_ text: String) -> String {
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var line = ""
      for word in paragraph.split(separator: " ") {
        if !line.isEmpty, line.count + 1 + word.count > width {
          lines.append(line)
          line = ""
        }
        line += line.isEmpty ? String(word) : " " + word
      }
      lines.append(line)
    }
    return lines.joined(separator: "\n")
  }
}
