# slow
# below: cell openpyxl/worksheet/worksheet.py, _get_cell openpyxl/worksheet/_read_only.py
def column(sheet, rows):
    return [sheet.cell(row, 1).value for row in range(1, rows)]  # hot
# exempt: one pass
# below: iter_rows openpyxl/worksheet/_read_only.py
def column(sheet):
    return [row[0] for row in sheet.iter_rows(values_only=True)]  # hot
# slow: by a method, for several columns
# below: cell openpyxl/worksheet/worksheet.py, _get_cell openpyxl/worksheet/_read_only.py, _cells_by_row openpyxl/worksheet/_read_only.py
class Sheet:
    def value(self, row, title):
        return self.sheet.cell(row=row + 1, column=self.columns[title]).value  # hot

    def amount(self, row):
        return self.value(row, "debit") - self.value(row, "credit")

    def amounts(self):
        return [self.amount(row) for row in range(len(self))]
