#include <algorithm>
#include <array>
#include <iomanip>
#include <vector>

#include "report/report.h"

namespace leastwise::sim {
namespace {

constexpr int kLeft = 330;
constexpr int kWidth = 560;
constexpr int kBar = 9;
constexpr int kRowGap = 5;
constexpr int kScenarioGap = 26;
constexpr int kTop = 44;

struct Series {
  const char* name;
  const char* color;
};
constexpr std::array<Series, 3> kSeries = {
    {{"mean", "#4477aa"}, {"p99", "#ee6677"}, {"p99.9", "#ccbb44"}}};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::array<double, 3> values(const Row& row, const Row* base) {
  if (base == nullptr) return {row.figures.mean, row.figures.p99, row.figures.p999};
  const Ratios r = ratios(row, *base);
  return {r.mean, r.p99, r.p999};
}

class Plot {
 public:
  Plot(std::span<const Row> rows, std::string_view reference, std::ostream& out)
      : rows_(rows), reference_(reference), out_(out) {
    relative_ = std::all_of(rows.begin(), rows.end(), [&](const Row& row) {
      return reference_of(row, rows, reference) != nullptr;
    });
    for (const Row& row : rows) {
      for (const double v : values(row, base(row))) most_ = std::max(most_, v);
    }
    // A policy that collapses must not flatten all others.
    if (relative_) most_ = std::min(most_, 3.0);
  }

  void draw() {
    out_ << std::fixed << std::setprecision(2)
         << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << kLeft + kWidth + 80
         << "\" height=\"" << height() << "\" font-family=\"sans-serif\" font-size=\"12\">\n"
         << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
    legend();
    int y = kTop;
    std::string scenario;
    for (const Row& row : rows_) {
      if (row.scenario != scenario) {
        scenario = row.scenario;
        y += kScenarioGap;
        out_ << "<text x=\"8\" y=\"" << y - 6 << "\" font-weight=\"bold\">" << escaped(scenario)
             << "</text>\n";
      }
      draw_row(row, y);
      y += 3 * kBar + kRowGap;
    }
    if (relative_) line_at_one(y);
    out_ << "</svg>\n";
  }

 private:
  const Row* base(const Row& row) const {
    return relative_ ? reference_of(row, rows_, reference_) : nullptr;
  }

  int height() const {
    int y = kTop + 20;
    std::string scenario;
    for (const Row& row : rows_) {
      if (row.scenario != scenario) y += kScenarioGap;
      scenario = row.scenario;
      y += 3 * kBar + kRowGap;
    }
    return y;
  }

  void legend() {
    out_ << "<text x=\"8\" y=\"20\">"
         << (relative_ ? "ratio to " + std::string(reference_) : std::string("milliseconds"))
         << ", less is better</text>\n";
    int x = kLeft;
    for (const Series& s : kSeries) {
      out_ << "<rect x=\"" << x << "\" y=\"10\" width=\"12\" height=\"12\" fill=\"" << s.color
           << "\"/><text x=\"" << x + 16 << "\" y=\"20\">" << s.name << "</text>\n";
      x += 80;
    }
  }

  void draw_row(const Row& row, int y) {
    out_ << "<text x=\"" << kLeft - 8 << "\" y=\"" << y + 2 * kBar << "\" text-anchor=\"end\">"
         << escaped(row.policy) << "</text>\n";
    const auto v = values(row, base(row));
    for (std::size_t i = 0; i < v.size(); ++i) {
      const int top = y + static_cast<int>(i) * kBar;
      const double width = std::min(v[i] / most_, 1.0) * kWidth;
      out_ << "<rect x=\"" << kLeft << "\" y=\"" << top << "\" width=\"" << width << "\" height=\""
           << kBar - 1 << "\" fill=\"" << kSeries[i].color << "\"/><text x=\"" << kLeft + width + 4
           << "\" y=\"" << top + kBar - 1 << "\" font-size=\"9\">" << v[i] << "</text>\n";
    }
  }

  void line_at_one(int bottom) {
    const double x = kLeft + kWidth / most_;
    out_ << "<line x1=\"" << x << "\" y1=\"" << kTop << "\" x2=\"" << x << "\" y2=\"" << bottom
         << "\" stroke=\"black\" stroke-dasharray=\"3 3\"/>\n";
  }

  std::span<const Row> rows_;
  std::string_view reference_;
  std::ostream& out_;
  bool relative_ = false;
  double most_ = 1e-9;
};

}  // namespace

void write_svg(std::span<const Row> rows, std::string_view reference, std::ostream& out) {
  Plot(rows, reference, out).draw();
}

}  // namespace leastwise::sim
