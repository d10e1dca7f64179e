import StormRun

extension RecordedEvent: Codable {
  private enum Key: String, CodingKey {
    case version, sequence, elapsedNanoseconds, event
    case began, phaseBegan, progress, divergence, window, release, fault, skipped, warning, ended
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(Self.version, forKey: .version)
    try container.encode(sequence, forKey: .sequence)
    try container.encode(elapsedNanoseconds, forKey: .elapsedNanoseconds)
    try container.encode(payload.name, forKey: .event)
    switch payload {
    case .began(let value): try container.encode(value, forKey: .began)
    case .phaseBegan(let value): try container.encode(value, forKey: .phaseBegan)
    case .progress(let value): try container.encode(value, forKey: .progress)
    case .divergence(let value): try container.encode(value, forKey: .divergence)
    case .window(let value): try container.encode(value, forKey: .window)
    case .release(let value): try container.encode(value, forKey: .release)
    case .fault(let value): try container.encode(value, forKey: .fault)
    case .skipped(let value): try container.encode(value, forKey: .skipped)
    case .warning(let value): try container.encode(value, forKey: .warning)
    case .ended(let value): try container.encode(value, forKey: .ended)
    case .unknown: break
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let version = try container.decode(Int.self, forKey: .version)
    guard version == Self.version else {
      throw DecodingError.dataCorruptedError(
        forKey: .version, in: container,
        debugDescription: "version is \(version); this nsstorm reads \(Self.version)")
    }
    sequence = try container.decode(Int.self, forKey: .sequence)
    elapsedNanoseconds = try container.decode(UInt64.self, forKey: .elapsedNanoseconds)
    let word = try container.decode(String.self, forKey: .event)
    switch Name(rawValue: word) {
    case .began: payload = .began(try container.decode(BeganEvent.self, forKey: .began))
    case .phaseBegan:
      payload = .phaseBegan(try container.decode(PhaseEvent.self, forKey: .phaseBegan))
    case .progress: payload = .progress(try container.decode(RunProgress.self, forKey: .progress))
    case .divergence:
      payload = .divergence(try container.decode(DivergenceEvent.self, forKey: .divergence))
    case .window: payload = .window(try container.decode(WindowEvent.self, forKey: .window))
    case .release: payload = .release(try container.decode(ReleaseEvent.self, forKey: .release))
    case .fault: payload = .fault(try container.decode(FaultEvent.self, forKey: .fault))
    case .skipped: payload = .skipped(try container.decode(Skip.self, forKey: .skipped))
    case .warning: payload = .warning(try container.decode(WarningEvent.self, forKey: .warning))
    case .ended: payload = .ended(try container.decode(EndedEvent.self, forKey: .ended))
    case nil: payload = .unknown(word)
    }
  }
}
