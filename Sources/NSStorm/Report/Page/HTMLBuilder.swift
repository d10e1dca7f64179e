/// Puts a page together: everything that is not written as markup in this project's own source is escaped.
struct HTMLBuilder {
  private(set) var text = ""

  /// Markup as it stands.
  mutating func markup(_ markup: StaticString) {
    text += "\(markup)"
  }

  /// Text of any origin.
  mutating func content(_ content: String) {
    text += XMLText.content(content)
  }

  /// An element with content of its own.
  mutating func element(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:],
    _ content: (inout HTMLBuilder) -> Void
  ) {
    open(name, attributes)
    content(&self)
    text += "</\(name)>"
  }

  /// An element that holds a text and has no attributes.
  mutating func element(_ name: StaticString, _ content: String) {
    element(name, [:], content)
  }

  /// An element that holds a text.
  mutating func element(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>, _ content: String
  ) {
    element(name, attributes) { $0.content(content) }
  }

  /// An element without content: a shape in a picture, a line break.
  mutating func empty(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:]
  ) {
    open(name, attributes)
    text.removeLast()
    text += "/>"
  }

  private mutating func open(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>
  ) {
    text += "<\(name)"
    for (key, value) in attributes { text += " \(key)=\"\(XMLText.attribute(value))\"" }
    text += ">"
  }
}
