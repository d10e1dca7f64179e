import StormVocabulary
import Testing

@testable import StormVerdict

@Suite struct `counted correspondences` {
  @Test func `conflicts are counted exactly through random additions and removals`() {
    var generator = SeededGenerator(seed: 11)
    var correspondence = Correspondence()
    var places: [(UInt64, UInt64)] = []
    for _ in 0..<5000 {
      if !places.isEmpty, generator.chance(0.48) {
        let (predicted, observed) = places.remove(at: generator.next(below: places.count))
        correspondence.remove(predicted: predicted, observed: observed)
      } else {
        let place = (UInt64(generator.next(below: 12)), UInt64(generator.next(below: 12)))
        places.append(place)
        correspondence.add(predicted: place.0, observed: place.1)
      }
      var partners: [UInt64: Set<UInt64>] = [:]
      var back: [UInt64: Set<UInt64>] = [:]
      for (predicted, observed) in places {
        partners[predicted, default: []].insert(observed)
        back[observed, default: []].insert(predicted)
      }
      let expected =
        partners.values.filter { $0.count > 1 }.count + back.values.filter { $0.count > 1 }.count
      #expect(correspondence.conflictCount == expected)
      #expect(correspondence.count == partners.count)
    }
  }

  @Test func `the oldest partner is believed`() {
    var correspondence = Correspondence()
    correspondence.add(predicted: 1, observed: 10)
    correspondence.add(predicted: 1, observed: 11)
    correspondence.add(predicted: 1, observed: 11)
    #expect(correspondence.agrees(predicted: 1, observed: 10))
    #expect(!correspondence.agrees(predicted: 1, observed: 11))
    correspondence.remove(predicted: 1, observed: 10)
    #expect(correspondence.agrees(predicted: 1, observed: 11))
    #expect(correspondence.conflictCount == 0)
  }
}
