import StormVocabulary

// Those who are about while a volley goes on: what each repeats, and the directories that they need.

extension PlanGenerator {
  mutating func prepareCompany(_ phase: BlastPhase, base: String) {
    if phase.company.containers > 0 { act(0, .mkdir(.path(base + "-image")), .preparation) }
    for number in 0..<phase.company.count where needsPlace(number, phase.company) {
      act(0, .mkdir(.path("\(base)-\(number)")), .preparation)
    }
  }

  func company(_ phase: BlastPhase, base: String, paths: [String]) -> [Volley.Companion] {
    (0..<phase.company.count).map { number in
      Volley.Companion(
        actor: ReleaseRound.companyActor + number,
        // Namespaces that live through the volley.
        namespace: phase.umount == .exit ? 0 : number % max(1, phase.namespaces),
        calls: calls(
          of: number, phase.company, place: "\(base)-\(number)", base: base, paths: paths))
    }
  }

  private enum Kind { case walker, reader, cloner, mounter, container }

  private func kind(_ number: Int, _ company: BlastPhase.Company) -> Kind {
    var rest = number
    for (kind, count) in [
      (Kind.walker, company.walkers), (.reader, company.readers), (.cloner, company.cloners),
      (.mounter, company.mounters),
    ] {
      if rest < count { return kind }
      rest -= count
    }
    return .container
  }

  private func needsPlace(_ number: Int, _ company: BlastPhase.Company) -> Bool {
    let kind = kind(number, company)
    return kind == .mounter || kind == .container
  }

  private func calls(
    of number: Int, _ company: BlastPhase.Company, place: String, base: String, paths: [String]
  ) -> [WorkerCall] {
    switch kind(number, company) {
    case .walker:
      // Names that exist, names that do not, and descriptors that are closed at once.
      paths.flatMap { path -> [WorkerCall] in
        [
          .operation(.stat(.path(path))), .operation(.stat(.path(path + "/none"))),
          .operation(.open(.path(path), .path, 0)), .operation(.close(0)),
        ]
      }
    case .reader: [.readTable]
    case .cloner: [.cloneNamespace]
    case .mounter: [.mountAndUmount(place, rounds: 4)]
    case .container: [.container(image: base + "-image", place: place)]
    }
  }
}
