extension Design {
  /// A choice of the record by its name, with the values it takes.
  public struct Field: Sendable {
    public var name: String
    public var allowed: [String]
    let set: @Sendable (inout Design, String) -> Bool
    let get: @Sendable (Design) -> String
  }

  private static func field<Value: RawRepresentable & CaseIterable & SendableMetatype>(
    _ name: String, _ path: any WritableKeyPath<Design, Value> & Sendable
  ) -> Field where Value.RawValue == String {
    Field(
      name: name, allowed: Value.allCases.map(\.rawValue),
      set: { design, text in
        guard let value = Value(rawValue: text) else { return false }
        design[keyPath: path] = value
        return true
      },
      get: { $0[keyPath: path].rawValue })
  }

  /// Every choice that a command line or a YAML file may vary.
  public static let fields: [Field] = [
    field("waitSync", \.waitSync),
    field("waitLazy", \.waitLazy),
    Field(
      name: "waitAsync", allowed: ["unknown"] + Release.allCases.map(\.rawValue),
      set: { design, text in
        let value = Release(rawValue: text)
        guard value != nil || text == "unknown" else { return false }
        design.waitAsync = value
        return true
      },
      get: { $0.waitAsync?.rawValue ?? "unknown" }),
    field("discipline", \.discipline),
    field("legit", \.legit),
    Field(
      name: "barrier", allowed: ["true", "false"],
      set: { design, text in
        guard let value = Bool(text) else { return false }
        design.barrier = value
        return true
      },
      get: { "\($0.barrier)" }),
    field("counts", \.counts),
    field("tail", \.tail),
    field("workerTail", \.workerTail),
    field("fileClose", \.fileClose),
    field("children", \.children),
    Field(
      name: "poolSize", allowed: (1...8).map(String.init),
      set: { design, text in
        guard let value = Int(text), (1...8).contains(value) else { return false }
        design.poolSize = value
        return true
      },
      get: { "\($0.poolSize)" }),
  ]

  /// Changes one choice, given by name and value.
  ///
  /// - Throws: `CompositionError` naming the allowed fields or values.
  public mutating func set(_ name: String, to value: String) throws {
    guard let field = Self.fields.first(where: { $0.name == name }) else {
      throw CompositionError(
        what: "field of a design", value: name, allowed: Self.fields.map(\.name))
    }
    guard field.set(&self, value) else {
      throw CompositionError(what: name, value: value, allowed: field.allowed)
    }
  }

  /// The choices in the order of `fields`.
  public var choices: [(name: String, value: String)] {
    Self.fields.map { ($0.name, $0.get(self)) }
  }
}
