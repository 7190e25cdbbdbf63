// Prior: how much the servers of a pool differ, and so how far a few answers are believed.
//
// Empirical Bayes (James and Stein 1961; Efron and Morris 1975): the slowness of an endpoint is
// shrunk towards that of its pool as if K mean requests had been answered at the pool's pace. K is
// φ / (variance of g between endpoints beyond chance, over G²): equal servers have nothing but
// chance between them, so that K is large and nobody is preferred for luck; where servers differ, K
// is small and answers are believed at once.
#ifndef LEASTWISE_SRC_MODEL_PRIOR_H_
#define LEASTWISE_SRC_MODEL_PRIOR_H_

namespace leastwise {

// Lives in shared memory, written by the holder of the tick only; reset() before use.
class Prior {
 public:
  void reset() noexcept;

  // What is known of one endpoint: the mean of `answers` (decayed) answers.
  class Sums {
   public:
    void add(double slowness, double answers) noexcept;

   private:
    friend class Prior;
    double members_ = 0, weight_ = 0, first_ = 0, second_ = 0, noise_ = 0;
  };
  // `spread`: φ, the variance of one answer over the square of what was predicted.
  void renew(const Sums& sums, double spread) noexcept;

  float strength() const noexcept { return static_cast<float>(strength_); }  // K, in mean costs
  // t: predicted delays within this share of the least are no reason to prefer anybody.
  // `has_weights`: the endpoints' weights differ.
  float near(bool has_weights) const noexcept;
  bool sane() const noexcept { return strength_ > 0 && strength_ < 1e6; }

 private:
  double strength_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_PRIOR_H_
