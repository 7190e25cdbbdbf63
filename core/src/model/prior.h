// Prior: how much the servers of a pool differ, and so how far a few answers are believed.
//
// Empirical Bayes (James and Stein 1961; Efron and Morris 1975): the slowness of an endpoint is
// shrunk towards that of its pool as if K mean requests had been answered at the pool's pace. K is
// φ / (variance of g between endpoints beyond chance, over G²): equal servers have nothing but
// chance between them, so that K is large and nobody is preferred for luck; where servers differ, K
// is small and answers are believed at once.
//
// Most endpoints of a pool may be alike while a few are not: a second model, a canary, an old
// machine. Those few say nothing of the others. So who is about as fast as most has a K of its own,
// and its own mean: a mixture of two, of which the second is everybody else. As far as that group
// is no more alike than the pool is, the pool's stand for it.
#ifndef LEASTWISE_SRC_MODEL_PRIOR_H_
#define LEASTWISE_SRC_MODEL_PRIOR_H_

namespace leastwise {

// Lives in shared memory, written by the holder of the tick only; reset() before use.
class Prior {
 public:
  static constexpr double kReach = 0.6;  // of the group's g, that its endpoints may differ by

  void reset() noexcept;

  // What is known of some endpoints: the mean of `answers` (decayed) answers of each.
  class Sums {
   public:
    void add(double slowness, double answers) noexcept;

   private:
    friend class Prior;
    double mean() const noexcept { return first_ / weight_; }
    // K by what was added; `spread` as below. 0 where nothing can be said.
    double strength(double spread) const noexcept;

    double members_ = 0, weight_ = 0, first_ = 0, second_ = 0, noise_ = 0;
  };
  // `alike`: of those that are about as fast as most. `spread`: φ, the variance of one answer over
  // the square of what was predicted.
  void renew(const Sums& all, const Sums& alike, double spread) noexcept;

  double strength() const noexcept { return strength_; }  // K of the pool, in mean costs
  // Of those that are alike. `slowness` is G.
  double alike_strength() const noexcept;
  double alike_slowness(double slowness) const noexcept;
  double centre(double slowness) const noexcept { return centre_ > 0 ? centre_ : slowness; }
  // The square of how far off the mean of n answers may be by chance, times n.
  static double chance(double spread) noexcept;

  // t: predicted delays within this share of the least are no reason to prefer anybody.
  // `has_weights`: the endpoints' weights differ.
  float near(bool has_weights) const noexcept;
  bool sane() const noexcept;

 private:
  // From 0, where those that are alike are so no more than any, to 1.
  double alike() const noexcept;

  double strength_;
  double centre_;          // mean g of those that are alike; 0 = there are none
  double group_strength_;  // their K, if it is greater than the pool's
  double looks_;           // ticks in which endpoints could be compared, to kManyLooks
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_PRIOR_H_
