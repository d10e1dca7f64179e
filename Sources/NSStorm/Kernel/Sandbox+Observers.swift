import CMount
import StormVocabulary

extension Sandbox {
  /// Asks the same about some actors.
  func observe(
    _ code: UInt32, _ actors: [Int],
    answer take: (Int, nss_answer, UnsafeRawBufferPointer) throws(SandboxError) -> Void
  ) throws(SandboxError) -> HangReport? {
    try observe(actors.map { (code, $0) }, answer: take)
  }

  /// Shares the reading out to the observers and hands each answer over as it stands in shared memory. What is asked
  /// together costs one change of processes.
  ///
  /// An observer that was killed is replaced, a few times; one that does not come back is reported.
  func observe(
    _ questions: [(code: UInt32, actor: Int)],
    answer take: (Int, nss_answer, UnsafeRawBufferPointer) throws(SandboxError) -> Void
  ) throws(SandboxError) -> HangReport? {
    var slots: [UInt32] = []
    slots.reserveCapacity(questions.count)
    for question in questions {
      let index = try worker(of: question.actor)
      precondition(index <= UInt32(NSS_OBSERVE_WORKER), "more workers than a question can name")
      slots.append(question.code << UInt32(NSS_OBSERVE_SHIFT) | index)
    }
    // Below this many a second process costs more than it saves.
    let share = max(
      Self.smallestShare, (questions.count + limits.observers - 1) / limits.observers)
    var pending: [(first: Int, count: Int)] = stride(
      from: 0, to: questions.count, by: share
    ).map { ($0, min(share, questions.count - $0)) }
    var deaths = 0
    while !pending.isEmpty {
      let round = pending.prefix(limits.observers)
      pending.removeFirst(round.count)
      var requests: [UInt32] = []
      for (observer, part) in round.enumerated() {
        requests.append(
          try post(slots[part.first..<part.first + part.count], to: UInt32(observer)))
      }
      for (observer, part) in round.enumerated() {
        let slot = nss_sandbox_observer_slot(&handle, UInt32(observer))
        switch try waitForAnswer(of: slot, request: requests[observer]) {
        case .hang(let waited):
          return report(
            .observer(number: observer), processID: slot.pointee.pid, waited: waited)
        case .died:
          deaths += 1
          guard deaths <= Self.observerDeathLimit else { throw .observersDied(times: deaths) }
          try startObserver(UInt32(observer))
          pending.append(part)
        case .answered:
          let count = try takeAnswers(of: slot, first: part.first, take)
          if count < part.count {
            // The output was full: the rest once more. A table alone that does not fit never will.
            guard count > 0 else {
              throw .observationTooLarge(limit: limits.observationBytes)
            }
            pending.append((part.first + count, part.count - count))
          }
        }
      }
    }
    return nil
  }

  private enum ObserverAnswer {
    case answered, died
    case hang(waitedNanoseconds: UInt64)
  }

  private func post(
    _ questions: ArraySlice<UInt32>, to observer: UInt32
  ) throws(SandboxError) -> UInt32 {
    let slot = nss_sandbox_observer_slot(&handle, observer)
    if nss_observer_state(slot) != UInt32(NSS_ALIVE) { try startObserver(observer) }
    let area = handle.region.pointee.output + UInt64(observer) * handle.region.pointee.output_size
    // The list of questions stands at the front of the observer's own part of the region.
    let listBytes = UInt64(questions.count * MemoryLayout<UInt32>.stride + 7) & ~7
    let list = (base + Int(area)).assumingMemoryBound(to: UInt32.self)
    for (index, question) in questions.enumerated() { list[index] = question }
    slot.pointee.question_count = UInt32(questions.count)
    slot.pointee.questions = area
    slot.pointee.output = area + listBytes
    slot.pointee.output_size = handle.region.pointee.output_size - listBytes
    return nss_observer_post(slot)
  }

  private func waitForAnswer(
    of slot: UnsafeMutablePointer<nss_observer>, request: UInt32
  ) throws(SandboxError) -> ObserverAnswer {
    var patience = patience(limits.callTime)
    while true {
      let slice = min(Self.attentionNanoseconds, patience.remainder(at: nss_now()))
      if nss_observer_wait_done(slot, request, slice) { return .answered }
      if nss_observer_state(slot) == UInt32(NSS_DEAD) { return .died }
      try checkAlive(during: "mount tables were read")
      let now = nss_now()
      if patience.isOver(at: now, look: { looks(at: [slot.pointee.pid]) }) {
        return .hang(waitedNanoseconds: patience.waitedNanoseconds(at: now))
      }
    }
  }

  private func takeAnswers(
    of slot: UnsafeMutablePointer<nss_observer>, first: Int,
    _ take: (Int, nss_answer, UnsafeRawBufferPointer) throws(SandboxError) -> Void
  ) throws(SandboxError) -> Int {
    let output = slot.pointee.output
    var next = base + Int(output)
    let count = Int(slot.pointee.answered)
    for index in 0..<count {
      let answer = next.load(as: nss_answer.self)
      let body = next + MemoryLayout<nss_answer>.stride
      try take(
        first + index, answer, UnsafeRawBufferPointer(start: body, count: Int(answer.length)))
      next = body + (Int(answer.length) + 7) & ~7
    }
    if slot.pointee.length > Self.keptOutputBytes {
      nss_sandbox_discard(&handle, output, slot.pointee.length)
    }
    return count
  }

  private static var smallestShare: Int { 24 }
  private static var observerDeathLimit: Int { 8 }
  /// Output beyond this is given back to the kernel after each reading.
  private static var keptOutputBytes: UInt64 { 1 << 20 }
}
