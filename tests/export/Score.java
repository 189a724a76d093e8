import hex.genmodel.GenModel;
import hex.genmodel.MojoModel;
import hex.genmodel.easy.EasyPredictModelWrapper;
import hex.genmodel.easy.RowData;
import hex.genmodel.easy.prediction.*;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Scores many models in one run: each line of the file given names a model (file.zip or class), input and output. */
public class Score {
  static final String SEPARATOR = "\u0001", MISSING = "\u0002";

  public static void main(String[] args) throws Exception {
    for (String job : Files.readAllLines(Path.of(args[0]))) {
      String[] part = job.split("\t");
      GenModel model = part[0].endsWith(".zip")
          ? MojoModel.load(part[0]) : (GenModel) Class.forName(part[0]).getDeclaredConstructor().newInstance();
      EasyPredictModelWrapper easy = new EasyPredictModelWrapper(new EasyPredictModelWrapper.Config()
          .setModel(model).setConvertUnknownCategoricalLevelsToNa(true));
      List<String> lines = Files.readAllLines(Path.of(part[1]));
      String[] names = lines.get(0).split(SEPARATOR);
      try (PrintWriter out = new PrintWriter(part[2], "UTF-8")) {
        for (String line : lines.subList(1, lines.size())) {
          RowData row = new RowData();
          String[] cells = line.split(SEPARATOR, -1);
          for (int i = 0; i < names.length; i++) if (!cells[i].equals(MISSING)) row.put(names[i], cells[i]);
          String result;
          try {
            result = String.join(SEPARATOR, score(easy, model, row));
          } catch (RuntimeException e) {
            if (!String.valueOf(e.getMessage()).contains("NaN")) throw e;
            result = MISSING; // the wrapper refuses probabilities that are no numbers
          }
          out.println(result);
        }
      }
    }
  }

  static List<String> score(EasyPredictModelWrapper easy, GenModel model, RowData row) throws Exception {
    List<String> cells = new ArrayList<>();
    double[] numbers;
    switch (model.getModelCategory()) {
      case Binomial:
        BinomialModelPrediction two = easy.predictBinomial(row);
        cells.add(two.label);
        numbers = two.classProbabilities;
        break;
      case Multinomial:
        MultinomialModelPrediction many = easy.predictMultinomial(row);
        cells.add(many.label);
        numbers = many.classProbabilities;
        break;
      case Regression:
        numbers = new double[] {easy.predictRegression(row).value};
        break;
      default:
        numbers = easy.predictAutoEncoder(row).reconstructed;
    }
    for (double v : numbers) cells.add(Double.toString(v));
    return cells;
  }
}
