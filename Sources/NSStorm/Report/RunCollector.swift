/// Puts the events of a run together while it goes on.
public final class RunCollector: EventSink {
  public private(set) var record: RunRecord?
  private let onBegin: (BeganEvent) -> Void

  /// - Parameter onBegin: called before the first step.
  public init(onBegin: @escaping (BeganEvent) -> Void = { _ in }) {
    self.onBegin = onBegin
  }

  public func take(_ event: RecordedEvent, isSampled: Bool) {
    guard isSampled else { return }
    if case .began(let began) = event.payload, record == nil {
      record = RunRecord(began)
      onBegin(began)
    }
    record?.add(event)
  }
}
