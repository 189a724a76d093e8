"""The part of the Java source that is the same for every model."""

SCORING = """
  static double[] inputs(double[] data) {
    double[] x = new double[UNITS[0]];
    for (int i = 0; i < CAT_SOURCE.length; i++) {
      int slot = at(CAT_SLOT[i], data[CAT_SOURCE[i]]);
      if (slot >= 0) x[slot] += 1.0;
    }
    int start = UNITS[0] - NUM_SOURCE.length;
    for (int i = 0; i < NUM_SOURCE.length; i++) {
      double v = data[NUM_SOURCE[i]];
      if (NUM_TABLE[i] != null) v = NUM_TABLE[i][level(v, NUM_TABLE[i].length - 1)];
      if (Double.isNaN(v) || Double.isInfinite(v)) v = NUM_MISSING[i];
      x[start + i] = (v - NUM_SUB[i]) * NUM_MUL[i];
    }
    if (INPUT_SCALE != 1.0) for (int i = 0; i < x.length; i++) x[i] *= INPUT_SCALE;
    return x;
  }

  static int level(double v, int missing) {
    return v >= 0 && v < missing ? (int) v : missing;
  }

  static int at(int[] table, double v) {
    return table[level(v, table.length - 1)];
  }

  /** Sums in the order of H2O's own scorer. */
  static double dot(float[] w, int from, double[] a, int n, double bias) {
    double[] p = new double[8];
    int c = 0;
    for (; c < n / 8 * 8 - 1; c += 8) for (int k = 0; k < 8; k++) p[k] += w[from + c + k] * a[c + k];
    double sum = p[0] + p[1] + p[2] + p[3];
    sum += p[4] + p[5] + p[6] + p[7];
    for (; c < n; c++) sum += w[from + c] * a[c];
    return sum + bias;
  }

  static double maxout(float[] w, double[] bias, int unit, double[] a, int n) {
    double first = 0, second = 0;
    for (int c = 0; c < n; c++) {
      first += w[2 * (unit * n + c)] * a[c];
      second += w[2 * (unit * n + c) + 1] * a[c];
    }
    return Math.max(first + bias[2 * unit], second + bias[2 * unit + 1]);
  }

  static double activate(double z) {
    if (ACTIVATION.equals("Tanh")) return 1.0 - 2.0 / (1.0 + Math.exp(2.0 * z));
    if (ACTIVATION.equals("Rectifier")) return 0.5 * (z + Math.abs(z));
    return z >= 0 ? z : Math.exp(z) - 1.0;
  }

  public double[] score0(double[] data, double[] preds) {
    double[] a = inputs(data);
    int last = UNITS.length - 2;
    for (int l = 0; l <= last; l++) {
      double[] z = new double[UNITS[l + 1]];
      for (int r = 0; r < z.length; r++) {
        if (MAXOUT && l < last) {
          z[r] = maxout(WEIGHT[l], BIAS[l], r, a, a.length);
        } else {
          z[r] = dot(WEIGHT[l], r * a.length, a, a.length, BIAS[l][r]);
          if (l < last || CATEGORY.equals("AutoEncoder")) z[r] = activate(z[r]);
        }
        if (l < last) z[r] *= KEEP[l];
      }
      a = z;
    }
    if (CATEGORY.equals("AutoEncoder")) {
      int start = UNITS[0] - NUM_SOURCE.length;
      for (int i = 0; i < NUM_SOURCE.length; i++) a[start + i] = a[start + i] / NUM_MUL[i] + NUM_SUB[i];
      System.arraycopy(a, 0, preds, 0, a.length);
    } else if (CATEGORY.equals("Regression")) {
      double f = a[0] / RESPONSE_MUL + RESPONSE_SUB;
      preds[0] = LOG_LINK ? Math.min(1e19, Math.exp(f)) : f;
    } else {
      probabilities(a);
      System.arraycopy(a, 0, preds, 1, a.length);
      preds[0] = label(a);
    }
    return preds;
  }

  static void probabilities(double[] a) {
    double most = Double.NEGATIVE_INFINITY, sum = 0;
    for (double v : a) most = Math.max(most, v);
    for (int i = 0; i < a.length; i++) sum += a[i] = Math.exp(a[i] - most);
    for (int i = 0; i < a.length; i++) a[i] /= sum;
    if (CORRECTION == null) return;
    sum = 0;
    for (int i = 0; i < a.length; i++) sum += a[i] *= CORRECTION[i];
    for (int i = 0; i < a.length; i++) a[i] /= sum;
  }

  static int label(double[] p) {
    if (CATEGORY.equals("Binomial")) return p[1] >= THRESHOLD ? 1 : 0;
    int best = 0;
    for (int i = 1; i < p.length; i++) if (p[i] > p[best]) best = i;
    return best;
  }
"""

DISTRIBUTED = """
class NAME_Decode {
  static java.nio.ByteBuffer bytes(StringBuilder text) {
    byte[] found = java.util.Base64.getDecoder().decode(text.toString());
    return java.nio.ByteBuffer.wrap(found).order(java.nio.ByteOrder.LITTLE_ENDIAN);
  }

  static int[] ints(StringBuilder text) {
    java.nio.IntBuffer from = bytes(text).asIntBuffer();
    int[] to = new int[from.remaining()];
    from.get(to);
    return to;
  }

  static float[] floats(StringBuilder text) {
    java.nio.FloatBuffer from = bytes(text).asFloatBuffer();
    float[] to = new float[from.remaining()];
    from.get(to);
    return to;
  }

  static double[] doubles(StringBuilder text) {
    java.nio.DoubleBuffer from = bytes(text).asDoubleBuffer();
    double[] to = new double[from.remaining()];
    from.get(to);
    return to;
  }
}
"""
