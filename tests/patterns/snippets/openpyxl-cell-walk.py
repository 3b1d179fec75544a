# slow
# below: cell openpyxl/worksheet/worksheet.py, _get_cell openpyxl/worksheet/_read_only.py
def column(sheet, rows):
    return [sheet.cell(row, 1).value for row in range(1, rows)]  # hot
# exempt: one pass
# below: iter_rows openpyxl/worksheet/_read_only.py
def column(sheet):
    return [row[0] for row in sheet.iter_rows(values_only=True)]  # hot
