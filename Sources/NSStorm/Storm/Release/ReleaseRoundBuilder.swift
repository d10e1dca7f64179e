import StormVocabulary

/// Writes the calls of a round; the same for the same phase, file system and way.
struct ReleaseRoundBuilder {
  let conditions: ReleaseConditions

  private typealias Call = ReleaseRound.Call
  private typealias Mark = ReleaseRound.Mark

  private var base: String { conditions.base }
  private var limit: UInt64 { conditions.boundNanoseconds }

  func round(_ kind: FileSystemKind, _ way: ReleaseWay) -> ReleaseRound {
    let place = self.place(kind)
    var round = ReleaseRound(
      fileSystem: kind, way: way, conditions: conditions, segments: [], cleanup: cleanup(kind),
      walks: [place, kind == .boundFile ? place : place + "/file"])
    if way.isInOwnNamespace {
      round.segments = ownNamespace(kind, way, place)
      return round
    }
    var umounter = mounting(kind, place) + [identity(place), watching(place)]
    switch way.ending {
    case nil:
      umounter += way == .treeClose ? treeClose(kind, place) : idle(kind, way, place)
      round.segments = [.init(role: .umounter, calls: umounter)]
    case .killed:
      round.segments = [
        .init(role: .umounter, calls: umounter), .init(role: .holder, calls: holding(kind, way)),
        .init(role: .umounter, calls: killing(kind, way, place)),
      ]
    case .exits, .letsGo:
      round.segments = [
        .init(role: .umounter, calls: umounter), .init(role: .holder, calls: holding(kind, way)),
        .init(
          role: .umounter,
          calls: refusal(place) + departing(kind, .detach, place) + exitWatch(way)),
        .init(role: .holder, calls: lettingGo(kind, way)),
        .init(role: .umounter, calls: afterwards(kind, way)),
      ]
    }
    return round
  }

  // MARK: - Places

  func place(_ kind: FileSystemKind) -> String { kind == .boundFile ? base + "/f" : base + "/m" }
  private var backing: String { base + "/backing" }

  private func cleanup(_ kind: FileSystemKind) -> [WorkerCall] {
    [.operation(.umount2(.path(place(kind)), .detach))]
      + (kind == .boundFile ? [.operation(.umount2(.path(backing), .detach))] : [])
  }

  // MARK: - Parts of rounds

  private func mounting(_ kind: FileSystemKind, _ place: String) -> [Call] {
    func mount(_ type: String, _ data: String = "", at target: String) -> Call {
      Call(
        call: .mount(type: type, device: kind.deviceSlot, target: target, data: data),
        mark: .mount)
    }
    let fill = Call(call: .fill(place, fileBytes: conditions.fileBytes), mark: .preparation)
    switch kind {
    case .tmpfs: return [mount("tmpfs", "size=256m", at: place), fill]
    case .ext4: return [mount("ext4", at: place), fill]
    case .xfs: return [mount("xfs", at: place), fill]
    case .overlay:
      let data =
        "lowerdir=\(base)/layers/lower,upperdir=\(base)/layers/upper,"
        + "workdir=\(base)/layers/work"
      return [mount("overlay", data, at: place), fill]
    case .fuse, .fuseBlock:
      return [
        Call(
          call: .mountServed(device: kind.deviceSlot, target: place, ReleaseSlot.server),
          mark: .mount)
      ]
    case .boundFile:
      return [
        mount("tmpfs", "size=256m", at: backing),
        Call(call: .fill(backing, fileBytes: conditions.fileBytes), mark: .preparation),
        preparation(
          .mount(
            MountCall(
              source: .path(backing + "/program"), target: .path(place), flags: [.bind]))),
        preparation(.umount2(.path(backing), .detach)),
      ]
    }
  }

  private func preparation(_ operation: Operation) -> Call {
    Call(call: .operation(operation), mark: .preparation)
  }

  private func identity(_ place: String) -> Call {
    Call(call: .mountID(place), mark: .identity)
  }

  private func watching(_ place: String, ofActor actor: Int? = nil) -> Call {
    Call(call: .watch(place, ofActor: actor, ReleaseSlot.watch), mark: .preparation)
  }

  private func idle(_ kind: FileSystemKind, _ way: ReleaseWay, _ place: String) -> [Call] {
    departing(kind, way == .detach ? .detach : [], place) + ending(kind)
  }

  /// The umount and what can be seen when it has returned.
  private func departing(
    _ kind: FileSystemKind, _ flags: UmountFlags, _ place: String
  ) -> [Call] {
    [
      Call(call: .waitFor(.mountDetached, ReleaseSlot.mounts, count: .max), mark: .eventsBefore),
      Call(call: .operation(.umount2(.path(place), flags)), mark: .departure),
    ] + looking(kind, .departure)
      + [Call(call: .waitFor(.mountDetached, ReleaseSlot.mounts, count: .max), mark: .eventsAfter)]
  }

  private func looking(_ kind: FileSystemKind, _ point: ReleaseRound.Point) -> [Call] {
    var calls = [Call(call: .waitFor(.unmount, ReleaseSlot.watch), mark: .looksDead(point))]
    if let device = kind.deviceSlot {
      calls.append(Call(call: .claim(device), mark: .claims(point)))
    }
    if kind == .fuseBlock {
      calls.append(Call(call: .waitFor(.destroy, ReleaseSlot.server), mark: .destroyed(point)))
    }
    return calls
  }

  /// Waits until everything is gone, at most for the bound.
  private func ending(_ kind: FileSystemKind) -> [Call] {
    var calls = [
      Call(
        call: .waitFor(.unmount, ReleaseSlot.watch, limitNanoseconds: limit), mark: .released)
    ]
    if let device = kind.deviceSlot {
      calls.append(Call(call: .claim(device, limitNanoseconds: limit), mark: .claimed))
    }
    if kind.isServed {
      calls.append(
        Call(
          call: .waitFor(.connectionEnd, ReleaseSlot.server, limitNanoseconds: limit),
          mark: .connectionEnded))
    }
    return calls
  }

  private func holding(_ kind: FileSystemKind, _ way: ReleaseWay) -> [Call] {
    guard let holder = way.holder else { return [] }
    let place = place(kind)
    let file = kind == .boundFile ? place : place + "/file"
    var calls: [Call] = []
    if way.ending == .killed, kind != .boundFile, !kind.isServed {
      calls.append(Call(call: .load(place, rounds: 4), mark: .preparation))
    }
    let held: WorkerCall =
      switch holder {
      case .descriptor: .operation(.open(.path(file), [], ReleaseSlot.hold))
      case .directory: .operation(.chdir(.path(place)))
      case .request: .hold(.request, place + "/pipe", ReleaseSlot.hold)
      case .program:
        .hold(.program, kind == .boundFile ? place : place + "/program", ReleaseSlot.hold)
      case .map, .message, .ring: .hold(holder, file, ReleaseSlot.hold)
      }
    calls.append(Call(call: held, mark: .hold))
    // The holder looks for itself what its letting go has done.
    if way.ending == .letsGo { calls.append(watching(place)) }
    return calls
  }

  private func refusal(_ place: String) -> [Call] {
    [Call(call: .operation(.umount2(.path(place), [])), mark: .refused)]
  }

  private func exitWatch(_ way: ReleaseWay) -> [Call] {
    way.ending == .exits
      ? [
        Call(
          call: .watchProcess(ofActor: ReleaseRound.holderActor, ReleaseSlot.process),
          mark: .preparation)
      ] : []
  }

  private func lettingGo(_ kind: FileSystemKind, _ way: ReleaseWay) -> [Call] {
    if way.ending == .exits { return [Call(call: .operation(.exit), mark: .letGo)] }
    let call: WorkerCall =
      switch way.holder {
      case .descriptor, nil: .operation(.close(ReleaseSlot.hold))
      case .directory: .operation(.chdir("/"))
      case .some(let holder): .letGo(holder, ReleaseSlot.hold)
      }
    return [
      Call(call: call, mark: .letGo),
      Call(call: .waitFor(.unmount, ReleaseSlot.watch), mark: .looksDead(.letGo)),
    ]
  }

  private func afterwards(_ kind: FileSystemKind, _ way: ReleaseWay) -> [Call] {
    way.ending == .exits ? goneThenLooking(kind) + ending(kind) : ending(kind)
  }

  private func goneThenLooking(_ kind: FileSystemKind) -> [Call] {
    [
      Call(
        call: .waitFor(.processEnd, ReleaseSlot.process, limitNanoseconds: limit), mark: .gone)
    ] + looking(kind, .letGo)
  }

  private func killing(_ kind: FileSystemKind, _ way: ReleaseWay, _ place: String) -> [Call] {
    let actor = ReleaseRound.holderActor
    let departure: WorkerCall =
      way == .killRingDetach
      ? .operation(.umount2(.path(place), .detach))
      : .umountUntil(place, [], limitNanoseconds: limit)
    return [
      Call(call: .watchProcess(ofActor: actor, ReleaseSlot.process), mark: .preparation),
      Call(call: .kill(actor: actor), mark: .preparation),
      Call(
        call: .waitFor(.processEnd, ReleaseSlot.process, limitNanoseconds: limit), mark: .gone),
      Call(call: departure, mark: .departure),
    ] + looking(kind, .departure) + ending(kind)
  }

  private func treeClose(_ kind: FileSystemKind, _ place: String) -> [Call] {
    [
      Call(
        call: .operation(.openTree(.path(place), .clone, ReleaseSlot.tree)), mark: .preparation)
    ] + departing(kind, [], place)
      + [Call(call: .operation(.close(ReleaseSlot.tree)), mark: .letGo)]
      + looking(kind, .letGo) + ending(kind)
  }

  private func ownNamespace(
    _ kind: FileSystemKind, _ way: ReleaseWay, _ place: String
  ) -> [ReleaseRound.Segment] {
    let actor = ReleaseRound.holderActor
    var before = [
      watching(place, ofActor: actor),
      Call(call: .watchProcess(ofActor: actor, ReleaseSlot.process), mark: .preparation),
    ]
    if way == .namespaceDescriptor {
      before.append(
        Call(call: .holdNamespace(ofActor: actor, ReleaseSlot.namespace), mark: .hold))
    }
    var after = [
      Call(
        call: .waitFor(.processEnd, ReleaseSlot.process, limitNanoseconds: limit), mark: .gone)
    ]
    after += looking(kind, .departure)
    if way == .namespaceDescriptor {
      after.append(Call(call: .operation(.close(ReleaseSlot.namespace)), mark: .letGo))
      after += looking(kind, .letGo)
    }
    // The server says its end to the process that mounted it, which is gone by then.
    let isServed = kind.isServed
    after += ending(kind).filter { !isServed || $0.mark != .connectionEnded }
      .filter { if case .destroyed = $0.mark { false } else { true } }
    return [
      .init(role: .holder, calls: mounting(kind, place) + [identity(place)]),
      .init(role: .umounter, calls: before),
      .init(role: .holder, calls: [Call(call: .operation(.exit), mark: .departure)]),
      .init(
        role: .umounter,
        calls: after.filter { if case .destroyed = $0.mark { false } else { true } }),
    ]
  }
}
